module example.org/gateway

go 1.22

toolchain go1.22.4

require github.com/google/uuid v1.6.0

require (
	github.com/spf13/cobra v1.8.1
	golang.org/x/text v0.16.0 // indirect
	example.org/local v0.0.0
	k8s.io/api v0.30.0
)

replace example.org/local => ./local

replace k8s.io/api => k8s.io/api v0.30.2

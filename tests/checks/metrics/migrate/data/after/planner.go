import "engine_router"

const query = "avg(engine:queue_depth)" // engine_queue_depth
const name = "engine:queue_depth"

import "engine_router"

const query = "avg(engine_queue_depth)" // engine_queue_depth
const name = "engine_queue_depth"

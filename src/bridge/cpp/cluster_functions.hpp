// The functions that say which servers work together, and how many do.
#pragma once

#include "bridge_internal.hpp"

#include "duckdb/function/scalar_function.hpp"

namespace duckherder {

//! duckherder_register_worker(id, location [, catalog := …]): has the attached server take another one as a worker.
duckdb::ScalarFunction RegisterWorker();
//! duckherder_unregister_worker(id [, catalog := …]): has the attached server do without a worker.
duckdb::ScalarFunction UnregisterWorker();
//! duckherder_register_or_replace_driver(id, location [, catalog := …]): has the attached server be a worker of another one.
duckdb::ScalarFunction RegisterOrReplaceDriver();
//! duckherder_get_worker_count([catalog]): how many workers of the attached server answer.
duckdb::ScalarFunction GetWorkerCount();

} // namespace duckherder

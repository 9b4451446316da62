// Points of writing and committing at which tests crash the server.
#pragma once

namespace duckling {

//! End the process at once if the environment variable DUCKLING_CRASH_AT names this point. `point`: a literal.
void CrashPoint(const char *point);

} // namespace duckling

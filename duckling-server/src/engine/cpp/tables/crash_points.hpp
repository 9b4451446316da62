// Points of writing and committing at which tests crash the server.
#pragma once

namespace duckling {

//! Whether tests want a crash at this point.
bool IsCrashPoint(const char *point);
//! End the process at once if the environment variable DUCKLING_CRASH_AT names this point. `point`: a literal.
void CrashPoint(const char *point);

} // namespace duckling

// As if the process was killed: nothing is flushed, closed or told.

#include "crash_points.hpp"

#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace duckling {

//! As a shell tells of a process that was killed
static constexpr int KILLED = 137;

bool IsCrashPoint(const char *point) {
	static const char *const wanted = std::getenv("DUCKLING_CRASH_AT");
	return wanted && std::strcmp(wanted, point) == 0;
}

void CrashPoint(const char *point) {
	if (IsCrashPoint(point)) {
		_exit(KILLED);
	}
}

} // namespace duckling

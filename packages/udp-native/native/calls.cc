#include "calls.h"

#include "io.h"

#include <uv.h>

namespace millrace {

const Calls system_calls = {SystemSend, SystemReceive, setsockopt, getsockopt, uv_hrtime};

#ifndef MILLRACE_TEST_CALLS
const Calls& calls() { return system_calls; }
#endif

}  // namespace millrace

#include "../bench.h"

/* One round at least; stops at the first wrong checksum, and returns the last one. */
u64 run_rounds(void);

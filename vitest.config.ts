import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // Comparing with the host's processor takes its own command: `npm run fuzz`.
    exclude: [
      ...(process.env["CAPJIT_FUZZ_SECONDS"] === undefined ? ["tests/fuzz/**"] : []),
      // Writes what it records: `npm run vectors`.
      ...(process.env["CAPJIT_VECTORS"] === undefined ? ["tests/vectors/record.test.ts"] : []),
    ],
    // Commands that tests run find no translations of earlier runs, and leave none: no folder can be made there.
    env: { CAPJIT_CHECK: "full", CAPJIT_CACHE_DIR: "/dev/null/no-folder" },
    maxWorkers: availableParallelism(),
    testTimeout: 60_000,
  },
});

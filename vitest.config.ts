import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // Writes what it records: `npm run vectors`.
    exclude: process.env["CAPJIT_VECTORS"] === undefined ? ["tests/vectors/record.test.ts"] : [],
    // Commands that tests run find no translations of earlier runs, and leave none: no folder can be made there.
    env: { CAPJIT_CHECK: "full", CAPJIT_CACHE_DIR: "/dev/null/no-folder" },
    maxWorkers: availableParallelism(),
    testTimeout: 60_000,
  },
});

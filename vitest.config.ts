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
    env: { CAPJIT_CHECK: "full" },
    testTimeout: 60_000,
  },
});

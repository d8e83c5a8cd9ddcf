import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // Comparing with the host's processor takes its own command: `npm run fuzz`.
    exclude: process.env["CAPJIT_FUZZ_SECONDS"] === undefined ? ["tests/fuzz/**"] : [],
    env: { CAPJIT_CHECK: "full" },
    testTimeout: 60_000,
  },
});

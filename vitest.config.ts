import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    env: { CAPJIT_CHECK: "full" },
    testTimeout: 60_000,
  },
});

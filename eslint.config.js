import tseslint from "typescript-eslint";

const HOST_INPUT = "only src/host-inputs.ts may use it: a run is a function of its inputs";

export default tseslint.config(
  {
    ignores: [
      "dist/**",
      "node_modules/**",
      "guests/target/**",
      "src/kernel/schema/kernel.ts",
      "src/kernel/schema/manifest.ts",
      "*.config.*",
      "bin/**",
    ],
  },
  {
    files: ["src/**/*.ts", "tests/**/*.ts", "bench/**/*.ts"],
    extends: [...tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-eval": "error",
      "no-new-func": "error",
    },
  },
  {
    files: ["src/**/*.ts"],
    ignores: ["src/host-inputs.ts", "src/cli/**"],
    rules: {
      "no-restricted-globals": [
        "error",
        { name: "Date", message: HOST_INPUT },
        { name: "performance", message: HOST_INPUT },
      ],
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: HOST_INPUT },
        { object: "process", property: "stdin", message: HOST_INPUT },
      ],
      "no-restricted-imports": ["error", { paths: [{ name: "node:crypto", message: HOST_INPUT }] }],
    },
  },
  { files: ["src/jit/emit/javascript/compile.ts"], rules: { "no-new-func": "off" } },
);

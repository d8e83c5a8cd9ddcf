#!/usr/bin/env node
import module from "node:module";

// Node.js 22.8 and later keep compiled modules from run to run.
module.enableCompileCache?.();
const { main } = await import("../dist/bundle/capjit.js");
process.exitCode = await main(process.argv.slice(2));

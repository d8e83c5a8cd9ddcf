#!/usr/bin/env node
"use strict";
require("../dist/bundle/launch.cjs").launch(process.argv.slice(2));

/** The scenarios that ship with the package: every JSON file of its scenarios folder that is not the schema. */

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { packageFile } from "../package-root.ts";
import type { ScenarioFile } from "../scenario.ts";

const FOLDER = packageFile("scenarios");

export const shippedNames = (): string[] =>
  readdirSync(FOLDER)
    .filter((file) => file.endsWith(".json") && file !== "scenario.schema.json")
    .map((file) => file.slice(0, -".json".length))
    .sort();

export const shippedFile = (name: string): string => join(FOLDER, `${name}.json`);

/** The one-line description of a shipped scenario. */
export const shippedDescription = (name: string): string =>
  (JSON.parse(readFileSync(shippedFile(name), "utf8")) as ScenarioFile).description ?? "";

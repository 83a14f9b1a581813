// Validates documents against a JSON schema: node validate.mjs SCHEMA DOCUMENT...
// Prints one JSON object, the errors by document, and ends with 1 if there is any.
import { readFileSync } from "node:fs";
import Ajv from "ajv";

const [schema, ...documents] = process.argv.slice(2);
const read = (file) => JSON.parse(readFileSync(file, "utf8"));
// Not strict: the schema states types of a kind that strict mode refuses ("type" as a list).
const validate = new Ajv({ allErrors: true, strict: false }).compile(read(schema));
const errors = Object.fromEntries(
  documents.map((file) => [
    file,
    validate(read(file)) ? [] : validate.errors.map((e) => `${e.instancePath} ${e.message}`),
  ]),
);
console.log(JSON.stringify(errors));
process.exitCode = Object.values(errors).flat().length ? 1 : 0;

// Writes SUPPORTED-OPS.md from the registry of operators; test/supported-operators.test.ts fails when it is stale.
import { writeFileSync } from 'node:fs';
import { supportedOperators } from '../dist/src/index.js';
import { operatorsDocument } from './support/operators-document.js';

writeFileSync(new URL('../SUPPORTED-OPS.md', import.meta.url), operatorsDocument(await supportedOperators()));

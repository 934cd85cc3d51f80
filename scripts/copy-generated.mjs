// Copies the generated JavaScript of a package, which the compiler only reads through its declarations, beside its output.
// Run in the package's folder.
import { cpSync, existsSync } from 'node:fs';

if (!existsSync('src/gen')) throw new Error('no src/gen here: run this in the folder of a package with generated code');
cpSync('src/gen', 'dist/gen', { recursive: true, filter: (path) => !path.endsWith('.ts') || path.endsWith('.d.ts') });

// A store that moves from one SQLite file to another.
import { copyContract } from './copy-contract.ts';
import { sqlitePlace } from './sqlite/copy-place.ts';

copyContract('SQLite to SQLite', sqlitePlace, sqlitePlace);

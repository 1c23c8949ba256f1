// The storage contract, kept by the SQLite driver. What only SQLite promises is tested in sqlite/.
import { storageContract } from './contract.ts';
import { openSqliteStore } from './sqlite/open-store.ts';

storageContract('SQLite', openSqliteStore);

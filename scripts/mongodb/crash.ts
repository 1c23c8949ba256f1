// The crash run of scripts/crash on the MongoDB server that TEST_MONGODB_URL names: node scripts/mongodb/crash.ts [ROUNDS]. The server stays
// up; what is killed is Lazaretto, also between any two writes of a single call. Run by `npm run test:mongodb`.
const server = process.env.TEST_MONGODB_URL;
if (!server) throw new Error('TEST_MONGODB_URL is not set; "npm run test:mongodb" starts a server and sets it');

process.env.TEST_STORE = server;
// Fewer than on SQLite, since each takes longer.
process.argv[2] ??= '150';
await import('../crash/run.ts');

// The stories that are told on SQLite in `npm test`, told again on the MongoDB server that TEST_MONGODB_URL names. Run by
// `npm run test:mongodb`, which starts a server where none is named.
const server = process.env.TEST_MONGODB_URL;
if (!server) throw new Error('TEST_MONGODB_URL is not set; "npm run test:mongodb" starts a server and sets it');

process.env.TEST_STORE = server;
await import('../../test/story/drops.test.ts');
await import('../../test/story/mailboxes.test.ts');
await import('../../test/story/imapflow.test.ts');
await import('../../test/story/going-away.test.ts');
await import('../../test/story/observed.test.ts');
await import('../../test/story/three-servers.test.ts');

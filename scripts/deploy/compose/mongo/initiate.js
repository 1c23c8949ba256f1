// Makes the three members a replica set and gives Lazaretto a user that may use its own database and nothing else. May be run as often as
// one likes, and again after it broke off at any point. Run in mongosh by compose.yaml (mongo-initiate), from mongo1's own address.
const { readFileSync } = require('node:fs');

const secret = (name) => readFileSync(`/run/secrets/${name}`, 'utf8').trim();
const members = ['mongo1:27017', 'mongo2:27017', 'mongo3:27017'];

/** What the server calls its error, whatever the shell wraps it in; none: there was no answer. */
const nameOf = (error) => error.codeName ?? error.cause?.codeName;

function initiate(local) {
  try {
    // While there is no user, who comes from the server's own address may do this and make the first one.
    local.adminCommand({
      replSetInitiate: {
        _id: 'rs0',
        // mongo1 becomes the primary, because only there may the first user be made.
        members: members.map((host, number) => ({ _id: number, host, priority: number === 0 ? 2 : 1 })),
      },
    });
    print('the replica set is made');
  } catch (error) {
    // Unauthorized: there is a user already, so this has been done before.
    if (!['AlreadyInitialized', 'Unauthorized'].includes(nameOf(error))) throw error;
  }
}

function waitForPrimary(local) {
  for (let tries = 0; tries < 120; tries += 1) {
    try {
      if (local.adminCommand({ hello: 1 }).isWritablePrimary) return;
    } catch (error) {
      // A server that changes its role may close connections; the next try opens one.
      print(`mongo1 is not ready: ${error.message}`);
    }
    sleep(1000);
  }
  throw new Error('mongo1 did not become the primary within two minutes; look at its log.');
}

function makeAdministrator(local, password) {
  waitForPrimary(local);
  try {
    local.createUser({ user: 'admin', pwd: password, roles: ['root'] });
    print('the administrator is made');
  } catch (error) {
    if (nameOf(error) !== 'Unauthorized') throw error;
    throw new Error(
      'MongoDB has an administrator with another password than compose/secrets/mongo_admin. Put the former file back; or, if all that ' +
        'is stored may be lost, remove the volumes of mongo1, mongo2 and mongo3.',
    );
  }
}

function giveLazarettoItsUser(password) {
  const store = connect(
    `mongodb://admin:${secret('mongo_admin')}@${members.join()}/lazaretto?replicaSet=rs0&authSource=admin`,
  );
  const rights = { pwd: password, roles: [{ role: 'readWrite', db: 'lazaretto' }] };
  if (store.getUser('lazaretto')) store.updateUser('lazaretto', rights);
  else store.createUser({ user: 'lazaretto', ...rights });
  print('the user of Lazaretto is there');
}

/** Whether the administrator's password is taken: then the first two steps are behind us, and mongo1 need not be the primary any more. */
function hasAdministrator() {
  try {
    connect(`mongodb://admin:${secret('mongo_admin')}@127.0.0.1/admin?directConnection=true`);
    return true;
  } catch (error) {
    if (nameOf(error) === undefined) throw error;
    return false;
  }
}

if (!hasAdministrator()) {
  const local = connect('mongodb://127.0.0.1/admin?directConnection=true');
  initiate(local);
  makeAdministrator(local, secret('mongo_admin'));
}
giveLazarettoItsUser(secret('mongo_lazaretto'));

// What runs inside Thunderbird, sent there as text by program.ts, with inside-set-up.js behind it: each function does what a person does, with
// the calls that Thunderbird's own windows make for it, or tells what a person sees. Takes and answers only what fits into JSON. Never talks to the server by itself.

const { MailServices } = ChromeUtils.importESModule('resource:///modules/MailServices.sys.mjs');
const { MailUtils } = ChromeUtils.importESModule('resource:///modules/MailUtils.sys.mjs');
// Thunderbird is told that this is the own machine (program.ts).
const host = 'quarantine.example.test';
const mainWindow = Services.wm.getMostRecentWindow('mail:3pane');
const pane = () => mainWindow.gTabmail.currentAbout3Pane;
const rootOf = (account) =>
  account === 'Local Folders'
    ? MailServices.accounts.localFoldersServer.rootFolder
    : MailServices.accounts.findServer(account, host, 'imap').rootFolder;

function folderOf(account, name) {
  const found = rootOf(account).descendants.find((folder) => folder.localizedName === name);
  if (!found) throw new Error(`${account} has no folder ${name} in Thunderbird`);
  return found;
}

function headerIn(folder, subject) {
  const found = [...folder.messages].find((header) => header.mime2DecodedSubject === subject);
  if (!found) throw new Error(`Thunderbird shows no "${subject}" in ${folder.localizedName}`);
  return found;
}

const inside = {
  version: () => Services.appinfo.version,

  listen() {
    mainWindow.lazarettoAlerts = [];
    MailServices.mailSession.addUserFeedbackListener({
      QueryInterface: ChromeUtils.generateQI(['nsIMsgUserFeedbackListener']),
      onAlert(text) {
        mainWindow.lazarettoAlerts.push(text);
        return true;
      },
      onCertError(_info, uri) {
        mainWindow.lazarettoAlerts.push(`The certificate of ${uri.hostPort} is not trusted.`);
      },
    });
  },

  alerts: () => mainWindow.lazarettoAlerts.splice(0),

  windows: () => [...Services.wm.getEnumerator(null)].map(({ location }) => location.href),

  foldersShown(login) {
    const rows = [...pane().document.querySelectorAll('#folderTree li[is="folder-tree-row"]')];
    const shown = rows.filter(({ uri }) => uri?.startsWith(`${rootOf(login).URI}/`));
    return shown.map((row) => row.querySelector('.name').textContent);
  },

  openFolder(account, name) {
    pane().displayFolder(folderOf(account, name));
  },

  list() {
    const view = pane().gDBView;
    const headers = Array.from({ length: view?.rowCount ?? 0 }, (_, row) => view.getMsgHdrAt(row));
    headers.sort((one, other) => one.messageKey - other.messageKey);
    return headers.map((header) => header.mime2DecodedSubject);
  },

  folder(account, name) {
    const folder = folderOf(account, name);
    return { messages: folder.getTotalMessages(false), takesDrops: folder.canFileMessages };
  },

  keywords: ([account, name], subject) =>
    headerIn(folderOf(account, name), subject).getStringProperty('keywords').split(' ').filter(Boolean),

  read(subject) {
    pane().threadTree.selectedIndex = pane().gDBView.findIndexOfMsgHdr(headerIn(pane().gFolder, subject), true);
  },

  textShown() {
    const browser = pane().messageBrowser?.contentWindow?.getMessagePaneBrowser?.();
    return browser?.contentDocument?.body?.textContent ?? '';
  },

  // What the folder pane does when something is dropped on it. Ends when Thunderbird thinks that it is done, which is before the
  // server has heard of it; the move of a local message ends when the server has answered.
  drag({ from, to, subjects, copy = false }) {
    const [source, target] = [folderOf(...from), folderOf(...to)];
    const headers = subjects.map((subject) => headerIn(source, subject));
    return new Promise((resolve) => {
      const listener = {
        QueryInterface: ChromeUtils.generateQI(['nsIMsgCopyServiceListener']),
        onStartCopy() {},
        onProgress() {},
        setMessageKey() {},
        getMessageId: () => null,
        // Whether it failed is told in an alert.
        onStopCopy: () => resolve(),
      };
      MailServices.copy.copyMessages(source, headers, target, !copy, listener, mainWindow.msgWindow, true);
    });
  },

  moveOpen(account, name) {
    pane().commandController.doCommand('cmd_moveMessage', folderOf(account, name));
  },

  undo() {
    mainWindow.messenger.undo(mainWindow.msgWindow);
  },

  makeLocalMail(name, raw) {
    const root = rootOf('Local Folders').QueryInterface(Ci.nsIMsgLocalMailFolder);
    const folder = root.containsChildNamed(name) ? root.getChildNamed(name) : root.createLocalSubfolder(name);
    folder.QueryInterface(Ci.nsIMsgLocalMailFolder).addMessage(raw);
  },

  // What the folder pane does with a file from the desktop.
  async dropFile(path, account, name) {
    const file = Cc['@mozilla.org/file/local;1'].createInstance(Ci.nsIFile);
    file.initWithPath(path);
    await MailUtils.copyFileMessageAsync(file, folderOf(account, name), mainWindow.msgWindow);
    await MailUtils.updateFolderAsync(folderOf(account, name));
  },

  quit() {
    Services.startup.quit(Ci.nsIAppStartup.eAttemptQuit);
  },
};

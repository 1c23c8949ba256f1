// The second half of what runs inside Thunderbird (the first is inside.js): a person sets up an account in the Account Hub, button by button.

const hub = () =>
  mainWindow.document.querySelector('account-hub-container')?.modal.querySelector('account-hub-email') ?? null;

async function shown(what, look) {
  for (const deadline = Date.now() + 30_000; ;) {
    const found = look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`Thunderbird shows no ${what}`);
    await new Promise((resolve) => mainWindow.setTimeout(resolve, 50));
  }
}

/** A field or a button that a person can use now. */
const usable = (selector) =>
  shown(selector, () =>
    [...(hub()?.querySelectorAll(selector) ?? [])].find((one) => !one.disabled && one.checkVisibility()),
  );

const press = async (selector) => (await usable(selector)).click();

async function fill(selector, value) {
  const field = await usable(selector);
  field.value = value;
  for (const type of ['input', 'change']) field.dispatchEvent(new mainWindow.Event(type, { bubbles: true }));
}

async function introduce(name, address) {
  // As it is by itself; the remote control switches it off.
  Services.prefs.setBoolPref('signon.rememberSignons', true);
  await mainWindow.openAccountHub('MAIL');
  await fill('#realName', name);
  await fill('#email', address);
}

Object.assign(inside, {
  // As "Confirm Security Exception" does, once for all.
  trust(port, certificate) {
    const database = Cc['@mozilla.org/security/x509certdb;1'].getService(Ci.nsIX509CertDB);
    const trusted = database.constructX509FromBase64(certificate.replace(/-----[^-]+-----|\s/g, ''));
    const overrides = Cc['@mozilla.org/security/certoverride;1'].getService(Ci.nsICertOverrideService);
    overrides.rememberValidityOverride(host, port, {}, trusted, false);
  },

  // As the box that asks for the password does, with "Use Password Manager to remember this password".
  async rememberPassword(login, password) {
    const stored = Cc['@mozilla.org/login-manager/loginInfo;1'].createInstance(Ci.nsILoginInfo);
    stored.init(`imap://${host}`, null, `imap://${host}`, login, password, '', '');
    await Services.logins.addLoginAsync(stored);
  },

  async findSettings(name, address) {
    await introduce(name, address);
    await press('#forward');
    const text = async (selector) => {
      const found = await usable(`email-config-found ${selector}`);
      // Its words come a moment later.
      return shown(`text of ${selector}`, () => found.textContent);
    };
    return {
      host: await text('#incomingHost'),
      port: Number(await text('#incomingPort')),
      security: await text('#incomingSocketType'),
      login: await text('#incomingUsername'),
    };
  },

  async logInAsFound(login, password) {
    await press('#forward');
    await fill('email-password-form #password', password);
    await press('#forward');
    // It looks for address books and calendars first.
    await usable('email-added-success');
    await press('#forward');
    await shown(`account ${login}`, () => MailServices.accounts.findServer(login, host, 'imap'));
  },

  async enterServer({ name, address, login, port, security, download }) {
    Services.prefs.setBoolPref('mail.server.default.offline_download', download);
    await introduce(name, address);
    await press('#manualConfiguration');
    await fill('#incomingHostname', host);
    const socketType = security === 'STARTTLS' ? Ci.nsMsgSocketType.alwaysSTARTTLS : Ci.nsMsgSocketType.SSL;
    await fill('#incomingConnectionSecurity', String(socketType));
    await fill('#incomingPort', String(port));
    await fill('#incomingAuthMethod', String(Ci.nsMsgAuthMethod.passwordCleartext));
    await fill('#incomingUsername', login);
  },

  // Ends in a dialog box.
  async pressAdvancedConfig() {
    await press('#advancedConfigurationIncoming');
    await new Promise(() => undefined);
  },

  // Advanced config shows the settings of the new account in a tab.
  async closeAccountSettings() {
    const settings = await shown('account settings', () =>
      mainWindow.gTabmail.tabInfo.find(({ browser }) => browser?.currentURI?.spec === 'about:accountsettings'),
    );
    mainWindow.gTabmail.closeTab(settings);
  },
});

// A self-signed certificate for scripted far ends, valid for a hundred years and for the name far-end.example.test alone, so that tests
// can show both: that plain smtp:// does not mind it, and that smtps:// does. Worth nothing outside of the tests.

/** The only name that the certificate proves. */
export const farEndName = 'far-end.example.test';

export const farEndCertificate = `
-----BEGIN CERTIFICATE-----
MIIBtjCCAVygAwIBAgIUVcc5MyMrC3k+mKls0yOeaRAm8ukwCgYIKoZIzj0EAwIw
HzEdMBsGA1UEAwwUZmFyLWVuZC5leGFtcGxlLnRlc3QwIBcNMjYxMTIxMTgwOTQw
WhgPMjEyNjEwMjgxODA5NDBaMB8xHTAbBgNVBAMMFGZhci1lbmQuZXhhbXBsZS50
ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEcE8+NcnHlf6aE8sRh0ibxH6R
vaoZXl7VXWV9cltC/jdad1r8Mn8jjo0kR6he/fUgm7E79UozuFUuF7vgp18t36N0
MHIwHQYDVR0OBBYEFDVyrs0tYG80aGJFV+uK7r0NNET/MB8GA1UdIwQYMBaAFDVy
rs0tYG80aGJFV+uK7r0NNET/MA8GA1UdEwEB/wQFMAMBAf8wHwYDVR0RBBgwFoIU
ZmFyLWVuZC5leGFtcGxlLnRlc3QwCgYIKoZIzj0EAwIDSAAwRQIgCuGvnG5VuufE
5LkgB2SFe3Z1wYi/fvk0U/WbJauGGN8CIQCzLzrmYzxQEizIRGPo4x0w3rL13Rht
rLnp7VuaShy2eA==
-----END CERTIFICATE-----
`;

export const farEndKey = `
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgoZcLmL0voV7nNcG2
n5CUnpCnTDWYr29DZUfugY/2ep6hRANCAARwTz41yceV/poTyxGHSJvEfpG9qhle
XtVdZX1yW0L+N1p3WvwyfyOOjSRHqF799SCbsTv1SjO4VS4Xu+CnXy3f
-----END PRIVATE KEY-----
`;

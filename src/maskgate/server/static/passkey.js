// The one script of this gate: it hands what the gate wrote into the form to the browser's authenticator, and what that
// answers back into the form. It decides nothing, and talks to nobody.
"use strict";

(() => {
  const form = document.querySelector("form[data-passkey]");
  const complaint = document.getElementById("passkey-complaint");
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));

  const make = async (options) => {
    const publicKey = { ...options, challenge: bytes(options.challenge) };
    publicKey.user = { ...options.user, id: bytes(options.user.id) };
    publicKey.excludeCredentials = known(options.excludeCredentials);
    const made = await navigator.credentials.create({ publicKey });
    const { clientDataJSON, attestationObject } = made.response;
    return { made, response: { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject) } };
  };

  const sign = async (options) => {
    const publicKey = { ...options, challenge: bytes(options.challenge) };
    publicKey.allowCredentials = known(options.allowCredentials);
    const made = await navigator.credentials.get({ publicKey });
    const { clientDataJSON, authenticatorData, signature } = made.response;
    const response = { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature) };
    return { made, response };
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    complaint.hidden = true;
    try {
      const options = JSON.parse(form.dataset.passkey);
      const { made, response } = await (options.rp ? make(options) : sign(options));
      form.elements.passkey.value = JSON.stringify({ id: made.id, rawId: text(made.rawId), type: made.type, response });
      form.submit();
    } catch (error) {
      complaint.textContent = `Your browser has no signature of a passkey (${error.name}). Try again.`;
      complaint.hidden = false;
    }
  });
})();

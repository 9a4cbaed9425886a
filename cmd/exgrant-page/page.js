"use strict";
// The page: reads the form, asks the generator, shows what it says. Text of people gets
// into the document as text only, never as markup.
(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("form");
  const fields = ["user", "group", "role-group", "member", "view-only-configuration", "mailbox", "scope-group", "scope-ou",
    "scope-filter", "scope-name", "whole-organization", "in-scope", "out-of-scope", "name", "domain-controller"];
  // The field that belongs to a choice: typing into one makes the choice.
  const owner = { "user": "assignee user", "group": "assignee group", "role-group": "assignee role-group", "member": "assignee role-group",
    "view-only-configuration": "assignee role-group", "scope-group": "scope group", "scope-ou": "scope ou", "scope-filter": "scope filter",
    "whole-organization": "scope organization" };
  const touched = new Set();
  let build = null; // the generator, once it is up
  let result = null;

  const chosenScopeIsEmpty = () => {
    const scope = chosen("scope");
    return scope === "organization" ? !byId("whole-organization").checked : scope !== "name" && byId("scope-" + scope).value === "";
  };
  const chosen = (name) => form.elements[name].value;
  const choose = (name, value) => { form.elements[name].value = value; };

  function values() {
    const all = { assignee: chosen("assignee"), scope: chosen("scope") };
    for (const name of fields) {
      const field = byId(name);
      all[name] = field.type === "checkbox" ? field.checked : field.value;
    }
    all["lone-surrogates"] = fields.filter((name) => /\p{Cs}/u.test(all[name])); // JSON would mend them
    return all;
  }

  // Shows the fields of what is chosen. The name of a scope is one field, which stands
  // where it means something: the scope itself, or the name of the one to make.
  function arrange() {
    for (const part of document.querySelectorAll("[data-for]")) {
      part.hidden = chosen(part.dataset.for) !== part.dataset.kind;
    }
    const part = byId("scope-name-field"), scope = chosen("scope");
    const place = scope === "name" ? byId("which") : byId("scope-name-place");
    if (part.parentElement !== place) place.append(part);
    part.hidden = scope === "ou" || scope === "organization";
    byId("scope-name-label").textContent = scope === "name" ? "Management scope" : "Name of the scope to make";
    byId("scope-name-hint").textContent = scope === "name" ? "The name of one that exists already." : "Left empty, it has the name of the role assignment.";
  }

  function showErrors(errors) {
    const missing = [];
    for (const place of document.querySelectorAll(".error")) place.textContent = "";
    for (const name of fields) byId(name).removeAttribute("aria-invalid");
    for (const e of errors) {
      if (e.missing && !touched.has(e.field)) {
        missing.push(e.field);
        continue;
      }
      const place = byId(e.field + "-error") || byId("form-error");
      if (place.textContent === "") place.textContent = e.text;
      const field = byId(e.field);
      if (field) field.setAttribute("aria-invalid", "true");
      if (place.closest("#details")) byId("details").open = true;
    }
    return missing;
  }

  // Says how far it is, once each time it changes: a screen reader reads it aloud.
  function tell(text) {
    if (byId("missing").textContent !== text) byId("missing").textContent = text;
  }

  function label(name) {
    if (name === "whole-organization") return "your consent to every mailbox";
    const of = document.querySelector('label[for="' + name + '"]');
    return of ? of.textContent.replace(", one a line", "").toLowerCase() : name;
  }

  function update() {
    arrange();
    if (build === null) {
      showFallback();
      return;
    }
    result = JSON.parse(build(JSON.stringify(values())));
    const errors = result.errors || [];
    const missing = showErrors(errors);
    byId("outcome").hidden = errors.length > 0;
    tell(errors.length === 0 ? "The script is ready." :
      missing.length > 0 ? "Still needed: " + missing.map(label).join(", ") + "." : "Correct what is marked, and the script appears here.");
    if (errors.length > 0) {
      for (const id of ["script", "summary", "command", "shell", "yaml", "sha256", "body-sha256"]) byId(id).replaceChildren();
      return;
    }
    byId("summary").replaceChildren(...result.summary.map((sentence) => {
      const item = document.createElement("li");
      item.textContent = sentence;
      return item;
    }));
    byId("command").textContent = result.command;
    byId("shell-part").hidden = result.shell === "";
    byId("shell").textContent = result.shell;
    byId("yaml").textContent = result.yaml;
    showScript();
  }

  const does = {
    grant: "It gives the right. A second run changes nothing.",
    undo: "It takes exactly this grant back, and tells what access is left.",
    status: "It tells whether the grant is in place, and where it ends. It changes nothing.",
  };

  function commandsFor(s) {
    const file = ".\\" + s.file;
    return ["# Windows blocks what was downloaded.", "Unblock-File -Path " + file,
      ...s.kind === "status" ? [] : ["# A rehearsal: it changes nothing.", file + " -WhatIf"], file].join("\n");
  }

  const script = (kind) => result.scripts.find((s) => s.kind === kind);
  const shown = () => script(document.querySelector('input[name="shown"]:checked').value);

  function showScript() {
    const s = shown(), mark = document.createElement("mark");
    mark.textContent = s.asked;
    byId("script").replaceChildren(s.before, mark, s.after);
    byId("script").scrollTop = 0;
    byId("does").textContent = does[s.kind];
    byId("file").textContent = s.file;
    byId("run").textContent = commandsFor(s);
    byId("sha256").textContent = s.sha256;
    byId("body-sha256").textContent = s.body;
    byId("download-undo").hidden = s.kind !== "grant";
    byId("done").textContent = "";
  }

  const textOf = (s) => s.before + s.asked + s.after;

  function download(file, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
    link.download = file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    byId("done").textContent = file + " is in your downloads.";
  }

  // The file is what the program writes: a byte order mark, then the text.
  const downloadScript = (s) => download(s.file, "\ufeff" + textOf(s));

  async function copy() {
    const text = textOf(shown()).replaceAll("\r\n", "\n");
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea"); // where there is no clipboard: from a file
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    byId("done").textContent = "Copied.";
  }

  // What a link may say: the product's name, a kind of scope, an option. Never an
  // account, a group, or the whole organization: a page that people trust must not come
  // filled in with somebody's account.
  function applyLink() {
    const link = new URLSearchParams(location.hash.slice(1));
    const product = (link.get("product") || "").replace(/[\p{C}\p{Z}]+/gu, " ").trim().slice(0, 60);
    byId("product").hidden = product === "";
    byId("product").querySelector("bdi").textContent = product;
    if (["group", "ou", "filter", "name"].includes(link.get("scope"))) choose("scope", link.get("scope"));
    if (link.has("view-only-configuration")) {
      choose("assignee", "role-group");
      byId("view-only-configuration").checked = true;
    }
  }

  // Without WebAssembly the page still says the command. It quotes for PowerShell, and
  // shows nothing for text that it cannot show for what it is.
  function showFallback() {
    if (byId("fallback").hidden) return;
    const all = values(), flags = [];
    const own = { user: ["user"], group: ["group"], "role-group": ["role-group", "member", "view-only-configuration"] }[all.assignee];
    const scope = { group: ["scope-group", "scope-name"], ou: ["scope-ou"], filter: ["scope-filter", "scope-name"], name: ["scope-name"], organization: ["whole-organization"] }[all.scope];
    for (const name of [...own, "mailbox", ...scope, "in-scope", "out-of-scope", "name", "domain-controller"]) {
      if (all[name] === true) flags.push("--" + name);
      if (typeof all[name] !== "string") continue;
      for (const value of byId(name).tagName === "TEXTAREA" ? all[name].split("\n") : [all[name]]) {
        if (value.trim() !== "") flags.push("--" + name + " '" + value.trim().replace(/['\u2018-\u201b]/g, "$&$&") + "'");
      }
    }
    const unseen = flags.some((flag) => /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(flag));
    byId("fallback-command").textContent = unseen ? "A value has characters that cannot be seen." : ["exgrant script grant", ...flags, "-o grant.ps1 --undo undo.ps1"].join(" ");
  }

  function fallBack() {
    byId("fallback").hidden = false;
    byId("missing").hidden = true;
    const command = document.createElement("pre");
    command.id = "fallback-command";
    byId("result").append(command);
    update();
  }

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    const field = event.target, own = owner[field.name];
    if (field.type !== "radio") touched.add(field.name);
    if (own && (field.type !== "checkbox" || field.checked)) choose(...own.split(" "));
    // Beside a group or a filter it names the scope to make; alone it is the scope.
    if (field.name === "scope-name" && !byId("details").open && chosenScopeIsEmpty()) choose("scope", "name");
    update();
  });
  form.addEventListener("change", update);
  for (const choice of document.querySelectorAll('input[name="shown"]')) choice.addEventListener("change", showScript);
  byId("download").addEventListener("click", () => downloadScript(shown()));
  byId("download-undo").addEventListener("click", () => downloadScript(script("undo")));
  byId("download-yaml").addEventListener("click", () => download("grants.yaml", result.yaml));
  byId("copy").addEventListener("click", copy);
  byId("print").addEventListener("click", () => print());
  addEventListener("hashchange", () => { applyLink(); update(); });

  globalThis.exgrantReady = () => {
    build = globalThis.exgrantBuild;
    update();
    document.documentElement.setAttribute("data-ready", "");
  };

  async function start() {
    const text = atob(byId("generator").textContent), packed = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const go = new Go();
    const { instance } = await WebAssembly.instantiate(await new Response(stream).arrayBuffer(), go.importObject);
    await go.run(instance);
  }

  applyLink();
  arrange();
  if (typeof WebAssembly !== "object" || typeof DecompressionStream !== "function") fallBack();
  else start().catch(fallBack);
})();

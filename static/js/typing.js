// Who is typing: said by this page while something is typed in it, and shown of the others until they are silent.
const line = document.getElementById("typing");
const form = document.getElementById("composer");
const AGAIN = 3000;
const LASTS = 6000;
const others = new Map(); // person -> { name, timer }
let said = 0;

function show() {
  const names = [...others.values()].map(({ name }) => name);
  const words = names.length === 1 ? line.dataset.one : names.length === 2 ? line.dataset.two : line.dataset.many;
  line.replaceChildren();
  if (!names.length) return;
  // Each name keeps its own direction of writing within the sentence.
  for (const part of words.split(/(\{[ab]\})/)) {
    const name = { "{a}": names[0], "{b}": names[1] }[part];
    line.append(name === undefined ? part : Object.assign(document.createElement("bdi"), { textContent: name }));
  }
}

function silent(person) {
  clearTimeout(others.get(person)?.timer);
  if (others.delete(person)) show();
}

function types(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const { dataset, textContent } = holder.content.firstElementChild;
  clearTimeout(others.get(dataset.person)?.timer);
  others.set(dataset.person, { name: textContent, timer: setTimeout(() => silent(dataset.person), LASTS) });
  show();
}

if (line) {
  document.addEventListener("live:typing", ({ detail }) => types(detail));
  document.addEventListener("live:message", ({ detail }) => silent(/data-author="(\d+)"/.exec(detail)?.[1]));
}
if (form) {
  form.addEventListener("input", ({ target }) => {
    if (!target.value?.trim() || Date.now() - said < AGAIN) return;
    said = Date.now();
    // Nobody waits for it, and a failure is none: the next one says it again.
    fetch(`${form.getAttribute("action").replace("/messages", "")}/typing`, { method: "POST" }).catch(() => {});
  });
  form.addEventListener("submit", () => (said = 0));
}

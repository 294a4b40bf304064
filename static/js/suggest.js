// Names completed as one types: a combobox with a list of people (ARIA Authoring Practices, "list autocomplete"). What is
// posted is what stands in the field, so without scripts, or without an answer, a username is typed as ever.
import { chips } from "./chips.js";
import { mentions } from "./mentions.js";

const MOST = 8;
const ASKED = 20; // some of them may be chosen already, or not be meant here
const PAUSE = 150;
let fields = 0;

const made = (tag, attributes = {}, text = "") => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
};

const plainTab = ({ key, shiftKey, ctrlKey, altKey, metaKey }) => key === "Tab" && !(shiftKey || ctrlKey || altKey || metaKey);

// `asked` is the text that suggestions are for, null for none; `search` gives them.
const typed = (field) => () => {
  const q = field.value.trim().replace(/^@/, "");
  return !q || q.includes("@") ? null : q; // an address is nobody's name
};

async function directory(q, signal) {
  const answer = await fetch(`/people?${new URLSearchParams({ q, limit: ASKED })}`, { headers: { accept: "application/json" }, signal });
  return answer.ok ? (await answer.json()).people : null;
}

function suggest(field, { roles, taken, choose, finished, asked = typed(field), search = directory, silent = false }, words) {
  const id = `people-list-${(fields += 1)}`;
  const list = made("ul", { id, role: "listbox", "aria-label": words.list, class: "suggest-list", hidden: "" });
  const nobody = made("p", { class: "suggest-nobody", hidden: "" }, words.none);
  const status = made("p", { class: "visually-hidden", role: "status" });
  let people = [];
  let active = -1;
  let timer = 0;
  let request = null;

  function mark(index) {
    active = index;
    [...list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === index)));
    if (index < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", list.children[index].id);
    list.children[index].scrollIntoView({ block: "nearest" });
  }

  // Also what was asked for and has not come: it is for a text that no longer stands there.
  function close() {
    clearTimeout(timer);
    request?.abort();
    request = null;
    people = [];
    mark(-1);
    list.hidden = nobody.hidden = true;
    status.textContent = "";
    expanded(false);
  }

  // A field of several lines is a text field to screen readers but while its list is open.
  function expanded(open) {
    if (field.tagName === "TEXTAREA") open ? field.setAttribute("role", "combobox") : field.removeAttribute("role");
    if (field.tagName === "TEXTAREA" && !open) field.removeAttribute("aria-expanded");
    else field.setAttribute("aria-expanded", String(open));
  }

  function show(found) {
    people = found;
    list.replaceChildren(...found.map((person, at) => {
      const option = made("li", { id: `${id}-${at}`, role: "option", "aria-selected": "false", class: "suggest-option" });
      option.append(made("bdi", {}, person.name), " ", made("span", { class: "quiet" }, `@${person.username}`));
      return option;
    }));
    list.hidden = !found.length;
    nobody.hidden = Boolean(found.length) || silent;
    expanded(Boolean(found.length));
    status.textContent = found.length === 1 ? words.one : found.length ? words.many.replace("{n}", found.length) : silent ? "" : words.none;
    mark(found.length ? 0 : -1);
  }

  async function ask() {
    const q = asked();
    if (q === null) return close();
    request?.abort();
    const mine = (request = new AbortController());
    try {
      const found = await search(q, mine.signal);
      if (!found || request !== mine || document.activeElement !== field) return; // another text stands there by now
      const me = Number(document.body.dataset.me);
      const meant = found.filter((each) => (roles ? roles.includes(each.role) : each.id !== me) && !taken(each));
      show(meant.slice(0, MOST));
    } catch {
      // No network, or it was told to stop: there is nothing to suggest.
    }
  }

  function take(index) {
    const person = people[index];
    close();
    choose(person);
    field.focus();
  }

  if (field.tagName === "INPUT") field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  expanded(false);
  field.setAttribute("aria-controls", id);
  field.addEventListener("input", () => {
    mark(-1); // Enter chooses nobody who was suggested for another text
    request?.abort();
    clearTimeout(timer);
    if (asked() !== null) timer = setTimeout(ask, PAUSE);
    else close();
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    const open = !list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!open && (asked() === null || field.tagName === "TEXTAREA")) return undefined; // the caret moves
      event.preventDefault();
      if (!open) return ask();
      const step = event.key === "ArrowDown" ? 1 : -1;
      mark(active < 0 && step < 0 ? people.length - 1 : (active + step + people.length) % people.length);
    } else if ((event.key === "Enter" || plainTab(event)) && open && active >= 0) {
      if (finished(people[active])) return close(); // the name stands there already: it is sent
      event.preventDefault();
      take(active);
    } else if (event.key === "Escape" && (open || !nobody.hidden)) {
      event.preventDefault();
      close();
    }
  });
  field.addEventListener("blur", close);
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  list.addEventListener("click", ({ target }) => {
    const option = target.closest("[role=option]");
    if (option) take([...list.children].indexOf(option));
  });

  const box = made("div", { class: "suggest" });
  field.replaceWith(box);
  box.append(field, list, nobody, status);
  return { box, say: (text) => (status.textContent = text) };
}

const composer = document.getElementById("composer-body");
if (composer?.dataset.mentions) {
  const focused = document.activeElement === composer;
  mentions(composer, suggest);
  if (focused) composer.focus({ preventScroll: true });
}

for (const field of document.querySelectorAll("input[data-suggest]")) {
  const words = { ...field.dataset, list: field.labels[0]?.textContent ?? "" };
  const { id } = field;
  const focused = document.activeElement === field;
  if (field.dataset.suggest === "many") chips(field, words, suggest, made);
  else {
    const choose = (person) => (field.value = person.username);
    const finished = (person) => field.value.trim().replace(/^@/, "").toLowerCase() === person.username;
    suggest(field, { roles: field.dataset.roles?.split(" "), taken: () => false, choose, finished }, words);
  }
  if (focused) document.getElementById(id).focus();
}

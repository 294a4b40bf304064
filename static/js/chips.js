// Several people in one field. What is posted stays the field that the page came with: the usernames with spaces between
// them, and what is typed behind them.
export function chips(posted, words, suggest, made) {
  const typed = posted.cloneNode();
  const list = made("ul", { class: "chips", "aria-label": words.chosen });
  const chosen = new Map(); // username -> chip

  const keep = () => (posted.value = [...chosen.keys(), typed.value.trim()].filter(Boolean).join(" "));

  function remove(username) {
    const chip = chosen.get(username);
    chosen.delete(username);
    chip.remove();
    list.hidden = !chosen.size;
    keep();
    say(words.removed.replace("{name}", chip.firstElementChild.textContent));
    typed.focus();
  }

  function add(username, name) {
    if (chosen.has(username)) return;
    const chip = made("li", { class: "chip" });
    const button = made("button", { type: "button", class: "chip-remove", "aria-label": words.remove.replace("{name}", name) });
    button.addEventListener("click", () => remove(username));
    chip.append(made("bdi", {}, name), button);
    chosen.set(username, chip);
    list.append(chip);
    list.hidden = false;
    keep();
  }

  function choose(person) {
    typed.value = "";
    add(person.username, person.name);
    say(words.added.replace("{name}", person.name));
  }

  typed.removeAttribute("name");
  typed.value = "";
  list.hidden = true;
  for (const username of posted.value.split(/[\s,]+/).filter(Boolean)) add(username.replace(/^@/, ""), username);
  posted.type = "hidden";
  posted.removeAttribute("id");
  posted.before(typed);
  const { box, say } = suggest(typed, { taken: (person) => chosen.has(person.username), choose, finished: () => false }, words);
  box.before(list);
  typed.addEventListener("input", keep);
  typed.addEventListener("keydown", (event) => {
    if (event.key !== "Backspace" || typed.value || !chosen.size) return;
    event.preventDefault();
    remove([...chosen.keys()].at(-1));
  });
  addEventListener("pageshow", keep); // a browser that comes back puts old texts into fields
}

// Who is there: the signs beside names follow the stream, and this page says that someone uses it.
const AGAIN = 60_000;
let said = Date.now(); // the page itself was a sign of life

function put(mark) {
  for (const place of document.querySelectorAll(`.presence[data-person="${Number(mark.dataset.person)}"]`)) {
    place.replaceWith(mark.cloneNode(true));
  }
}

function marksOf(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return [...holder.content.children];
}

// All who are there of those beside the open conversation: whoever is not among them is not.
function putAll(html) {
  const marks = marksOf(html);
  const here = new Set(marks.map((mark) => mark.dataset.person));
  for (const place of document.querySelectorAll("#members-pane .presence, #conversation-head .presence")) {
    if (here.has(place.dataset.person)) continue;
    const empty = place.cloneNode();
    empty.className = "presence";
    empty.removeAttribute("title");
    place.replaceWith(empty);
  }
  marks.forEach(put);
}

function active() {
  if (Date.now() - said < AGAIN) return;
  said = Date.now();
  fetch("/me/active", { method: "POST" }).catch(() => {}); // the next one says it again
}

if (document.body.dataset.me) {
  document.addEventListener("live:presence", ({ detail }) => marksOf(detail).forEach(put));
  document.addEventListener("live:presences", ({ detail }) => putAll(detail));
  for (const name of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    addEventListener(name, active, { passive: true, capture: true });
  }
  document.addEventListener("visibilitychange", () => document.hidden || active());
}

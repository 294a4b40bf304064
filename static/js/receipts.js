// How far the others are with one's own last message: marks come by the stream, and are put into words here.
const line = document.getElementById("receipts");
const messages = document.getElementById("messages");
const me = document.body.dataset.me;
const others = new Map(); // person -> { name, delivered, read }

// The last thing that was said, if it was said here; what still waits to be sent says so itself.
function ownLast() {
  if (messages.querySelector(".message-pending:not([hidden])")) return null;
  const said = [...messages.querySelectorAll(":scope > .message[data-position]:not([data-kind=system], .message-deleted)")].at(-1);
  return said?.dataset.author === me && !document.getElementById("newer") ? said : null;
}

function words(at) {
  const { direct, sent, delivered, read, one, two, more } = line.dataset;
  const readers = [...others.values()].filter((other) => other.read >= at);
  if (!readers.length) return [[...others.values()].some((other) => other.delivered >= at) ? delivered : sent, []];
  if (direct === "true") return [read, []];
  return [[one, two][readers.length - 1] ?? more, readers];
}

function show() {
  const last = ownLast();
  line.replaceChildren();
  if (!last) return;
  const [text, readers] = words(Number(last.dataset.position));
  for (const part of text.split(/(\{[abn]\})/)) {
    const name = { "{a}": readers[0]?.name, "{b}": readers[1]?.name }[part];
    if (name === undefined) line.append(part === "{n}" ? String(readers.length - 1) : part);
    else line.append(Object.assign(document.createElement("bdi"), { textContent: name }));
  }
}

if (line) {
  const first = ownLast();
  document.addEventListener("live:receipt", ({ detail }) => {
    const holder = document.createElement("template");
    holder.innerHTML = detail;
    for (const { dataset, textContent } of holder.content.children) {
      others.set(dataset.person, { name: textContent, delivered: Number(dataset.delivered), read: Number(dataset.read) });
    }
    show();
  });
  // Whatever changes the end of the timeline changes of what is spoken; before the first mark the server's words stand.
  new MutationObserver(() => (others.size || ownLast() !== first ? show() : undefined)).observe(messages, { childList: true });
}

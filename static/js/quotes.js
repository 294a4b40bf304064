// What replies quote. A message that was changed after it was sent comes with its quote as it is from then on, so what
// quotes it follows, also when it is far from the screen or was asked for before the change and comes after it.
const messages = document.getElementById("messages");
const newest = new Map(); // message -> its quote

const change = (quote) => Number(quote.dataset.change);

// Takes in what those messages say of their quotes.
export function learn(items) {
  for (const item of items) {
    const quote = item.querySelector(".now-quoted")?.content.querySelector(".quote");
    if (!quote) continue;
    const known = newest.get(quote.dataset.of);
    if (!known || change(known) < change(quote)) newest.set(quote.dataset.of, quote);
  }
}

// Puts right every quote on the page that is older than what is known.
export function requote() {
  if (!newest.size) return;
  for (const quote of document.querySelectorAll(".quote")) {
    const known = newest.get(quote.dataset.of);
    if (known && change(quote) < change(known)) quote.replaceWith(known.cloneNode(true));
  }
}

// To an original that is on the page; its own address leads to the others.
function jump(event) {
  const quote = event.target.closest?.(".quote");
  if (!quote || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const original = document.getElementById(`message-${quote.dataset.of}`);
  if (!original) return;
  event.preventDefault();
  original.scrollIntoView({ block: "center" });
  original.querySelector("article")?.focus({ preventScroll: true });
  original.classList.remove("message-marked");
  void original.offsetWidth; // marked twice, it is marked anew
  original.classList.add("message-marked");
}

if (messages) {
  document.addEventListener("click", jump);
  messages.addEventListener("animationend", ({ target, animationName }) => {
    if (animationName === "message-marked") target.closest(".message").classList.remove("message-marked");
  });
  document.addEventListener("timeline:paged", requote);
}

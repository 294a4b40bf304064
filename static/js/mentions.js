// Names completed in the composer: what stands between "@" and the caret is asked for among those who are here.
// Also letters that no username has: the names of people have them.
const TOKEN = /(?:^|[^\p{L}\p{M}\p{N}_@+/-])@([\p{L}\p{M}\p{N}_.-]{0,30})$/u;

export function mentions(field, suggest) {
  const words = { ...field.dataset, list: field.dataset.mentionList };
  const token = () => (field.selectionStart === field.selectionEnd && TOKEN.exec(field.value.slice(0, field.selectionStart))?.[1]) ?? null;
  const asked = () => {
    const found = token();
    return typeof found === "string" ? found : null;
  };

  async function search(q, signal) {
    const address = `${field.dataset.mentions}?${new URLSearchParams({ q })}`;
    const answer = await fetch(address, { headers: { accept: "application/json" }, signal });
    if (!answer.ok) return null;
    const { people, everyone } = await answer.json();
    return everyone ? [{ id: 0, username: everyone, name: field.dataset.everyone }, ...people] : people;
  }

  function choose({ username }) {
    const end = field.selectionStart;
    const start = end - asked().length;
    field.setRangeText(`${username} `, start, end, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  const finished = ({ username }) => asked()?.toLowerCase() === username;
  const { box } = suggest(field, { taken: () => false, choose, finished, asked, search, silent: true }, words);
  box.classList.add("suggest-above");
}

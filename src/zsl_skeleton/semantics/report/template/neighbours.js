// For every unseen class of a split, the seen and the unseen class that its texts are nearest to.
(() => {
  const source = document.getElementById("data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const get = (id) => document.getElementById(id);
  const names = [...document.querySelectorAll("details.class > summary .name")].map((element) => element.textContent);
  const slotChoice = get("near-slot"), splitChoice = get("near-split");
  const make = (tag, content, values = {}) => {
    const element = Object.assign(document.createElement(tag), values);
    element.append(...[content].flat());
    return element;
  };
  data.slots.forEach((slot, index) => slotChoice.append(make("option", slot.name, { value: index })));
  data.splits.forEach((split, index) => splitChoice.append(make("option", split.name || "none", { value: index })));

  const link = (index) => index === null ? "none" : make("a", `${index} ${names[index]}`, { href: `#c${index}` });
  const cosine = (value) => make("td", value === null ? "" : value.toFixed(2).replace("-0.00", "0.00"), { className: "n" });

  const update = () => {
    const split = data.splits[splitChoice.value], rows = split.rows[slotChoice.value], real = Boolean(split.name);
    const heads = real
      ? ["unseen class", "nearest seen class", "cosine", "nearest unseen class", "cosine", "nearest of all"]
      : ["class", "nearest class", "cosine"];
    const sorted = [...rows].sort((a, b) => Math.max(b[2] ?? -2, b[4] ?? -2) - Math.max(a[2] ?? -2, a[4] ?? -2));
    const body = sorted.map(([index, seen, seenCosine, unseen, unseenCosine]) => {
      const other = [make("td", link(unseen)), cosine(unseenCosine)];
      const closer = (seenCosine ?? -2) >= (unseenCosine ?? -2) ? "seen" : "unseen";
      const first = make("td", link(index), { className: real ? "unseen" : "" });
      const cells = real ? [first, make("td", link(seen)), cosine(seenCosine), ...other, make("td", closer)] : [first, ...other];
      cells.forEach((cell, place) => { cell.dataset.label = heads[place].replace(/^nearest | class$/g, ""); });
      return make("tr", cells);
    });
    const head = make("tr", heads.map((text) => make("th", text, { className: text === "cosine" ? "n" : "" })));
    get("near").replaceChildren(make("thead", head), make("tbody", body));
    get("near-about").textContent = real
      ? `The ${split.unseen.length} unseen classes of ${split.name} (${split.source}), the most confusable first.`
      : "Every class and its nearest other class, the most confusable first.";
  };
  for (const choice of [slotChoice, splitChoice]) choice.addEventListener("change", update);
  // Both sections are about the same slot and split until a reader wants it otherwise.
  for (const [from, to] of [["map-slot", slotChoice], ["map-split", splitChoice]]) {
    get(from).addEventListener("change", (event) => {
      to.value = event.target.value;
      update();
    });
  }
  slotChoice.value = get("map-slot").value;
  update();
})();

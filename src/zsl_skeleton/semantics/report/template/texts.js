// Search and filters over the texts. A class is opened when it holds a match, the first twenty of them at once.
(() => {
  const OPEN_AT_ONCE = 20, LIT = 500;
  const get = (id) => document.getElementById(id);
  const [search, slotChoice, stateChoice, unfold, output, nothing] =
    ["search", "slot", "state", "unfold", "found", "nothing"].map(get);
  const classes = [...document.querySelectorAll("details.class")];
  let index = null, folded = false;

  // One entry per text, made when it is first needed: the element, its words in lower case, what it is.
  const build = () => classes.map((element) => ({
    element,
    name: element.querySelector(".name").textContent.toLowerCase(),
    count: element.querySelector("summary .count"),
    total: element.querySelector("summary .count").textContent,
    slots: [...element.querySelectorAll(".slot")].map((block) => ({
      block,
      name: block.dataset.slot,
      about: [...block.querySelectorAll(":scope > .mark")],
      more: block.querySelector("details.more"),
      rows: [...block.querySelectorAll("li")].filter((row) => !row.closest(".history"))
        .map((row, number) => {
          // Hidden rows are not counted: from now on every row says its own number.
          if (!row.hasAttribute("value")) row.value = number;
          return { row, text: (row.firstChild?.data || "").toLowerCase() };
        }),
    })),
  }));

  const fits = (entry, name, wanted, state) => {
    const shown = !state || entry.row.classList.contains(state);
    return shown && wanted.every((word) => entry.text.includes(word) || name.includes(word));
  };

  const show = (element, visible) => {
    if (element.hidden === visible) element.hidden = !visible;
  };

  // Marks the matches without touching the texts' elements, where the browser can.
  const light = (rows, wanted) => {
    if (!globalThis.Highlight || !CSS.highlights) return;
    const ranges = [];
    for (const { row, text } of rows.slice(0, LIT)) {
      for (const word of wanted) {
        const start = text.indexOf(word);
        if (start < 0 || start + word.length > row.firstChild.length) continue;
        const range = new Range();
        range.setStart(row.firstChild, start);
        range.setEnd(row.firstChild, start + word.length);
        ranges.push(range);
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  };

  const filterClass = (entry, wanted, state, all) => {
    const found = [];
    let about = state === "marked" ? entry.element.querySelectorAll(":scope > .body > .mark").length : 0;
    for (const slot of entry.slots) {
      const hits = slot.name === slotChoice.value || !slotChoice.value
        ? slot.rows.filter((row) => fits(row, entry.name, wanted, state)) : [];
      const marked = state === "marked" && !wanted.length && slot.about.length && (!slotChoice.value || slot.name === slotChoice.value);
      about += marked ? slot.about.length : 0;
      const set = new Set(hits);
      for (const row of slot.rows) show(row.row, set.has(row));
      show(slot.block, hits.length > 0 || Boolean(marked));
      if (slot.more) {
        slot.more.open = !all && hits.length > 0;
        const total = `${slot.rows.length} texts`;
        slot.more.firstElementChild.textContent = all ? total : `${hits.length} of ${total}`;
      }
      found.push(...hits);
    }
    entry.count.textContent = all ? entry.total : `${found.length} of ${entry.total}`;
    show(entry.element, found.length > 0 || about > 0);
    return found;
  };

  const apply = () => {
    index ??= build();
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = stateChoice.value;
    const all = !wanted.length && !state && !slotChoice.value;
    const picked = Boolean(wanted.length || state);
    const found = [];
    let visible = 0;
    for (const entry of index) {
      found.push(...filterClass(entry, wanted, state, all));
      if (entry.element.hidden) continue;
      // A slot alone hides nothing a reader opened; what a search opened closes with it.
      if (picked || folded) entry.element.open = picked && visible < OPEN_AT_ONCE;
      visible += 1;
    }
    folded = picked;
    light(found, wanted);
    show(nothing, !visible);
    output.textContent = all ? "" : `${found.length} text${found.length === 1 ? "" : "s"} in ${visible} class${visible === 1 ? "" : "es"}`;
    label();
  };

  const label = () => {
    const open = classes.some((element) => element.open && !element.hidden);
    unfold.textContent = open ? "Close all" : "Open all";
  };

  let timer = 0;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 120);
  });
  for (const choice of [slotChoice, stateChoice]) choice.addEventListener("change", apply);
  unfold.addEventListener("click", () => {
    const open = unfold.textContent === "Open all";
    for (const element of classes) if (!element.hidden) element.open = open;
    label();
  });

  const named = (hash) => {
    try {
      return decodeURIComponent(hash.slice(1));
    } catch { // a percent sign that encodes nothing
      return hash.slice(1);
    }
  };

  // A link to a text opens what hides it.
  const reveal = () => {
    const target = get(named(location.hash));
    if (!target || !target.closest("details.class")) return;
    if (target.closest("[hidden]")) {
      search.value = slotChoice.value = stateChoice.value = "";
      apply();
    }
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    target.scrollIntoView();
    label();
  };
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => {
    // The same link twice changes no hash.
    if (event.target.closest?.(`a[href="${CSS.escape(location.hash)}"]`)) reveal();
  });
  // A mark tells the reason of its rule to whoever points at it; written out once per text it would double the page.
  document.addEventListener("pointerover", (event) => {
    const link = event.target.closest?.(".mark a");
    if (link && !link.title) link.title = get(named(link.hash))?.querySelector("p").textContent || "";
  });
  get("filter").hidden = false;
  reveal();
})();

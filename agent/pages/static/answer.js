// One answer: j and k go to the next and the previous one.
document.addEventListener("keydown", (pressed) => {
  if (pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
  if (pressed.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  const id = { j: "next", k: "previous" }[pressed.key];
  if (id) document.getElementById(id)?.click();
});

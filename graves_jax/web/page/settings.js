// What the fields of the form say, and the same as the part of a link behind #.

/** Fields that differ from what the page begins with, as the fragment of a link. */
export function toLink(form) {
  const changed = [...form.elements].filter((field) => field.name && isChanged(field));
  return new URLSearchParams(changed.map(({ name, value }) => [name, value])).toString();
}

function isChanged(field) {
  if (field.selectedOptions) return field.selectedIndex > 0 && !field.selectedOptions[0].dataset.own;
  return field.value !== field.defaultValue;
}

/** Fills the form from such a fragment. What is not there, or does not fit, is as the page begins. */
export function fromLink(form, fragment) {
  form.reset();
  for (const [name, value] of new URLSearchParams(fragment)) {
    const field = form.elements.namedItem(name);
    if (!field?.name) continue;
    field.value = value;
    if (field.selectedOptions && field.selectedIndex < 0) field.selectedIndex = 0;
    if (!field.selectedOptions && !field.checkValidity()) field.value = field.defaultValue;
  }
}

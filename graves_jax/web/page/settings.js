// What the fields of the form say, and the same as the part of a link behind #.

const fieldsOf = (form) => [...form.querySelectorAll("input, select, textarea")];

/** Fields that differ from what the page begins with, as the fragment of a link. */
export function toLink(form) {
  const changed = fieldsOf(form).filter(isChanged);
  return new URLSearchParams(changed.map(({ id, value }) => [id, value])).toString();
}

function isChanged(field) {
  if (field.selectedOptions) return field.selectedIndex > 0 && !field.selectedOptions[0].dataset.own;
  return field.value !== field.defaultValue;
}

/** Fills the form from such a fragment. What is not there, or does not fit, is as the page begins. */
export function fromLink(form, fragment) {
  form.reset();
  const values = new URLSearchParams(fragment);
  for (const field of fieldsOf(form)) {
    if (!values.has(field.id)) continue;
    field.value = values.get(field.id);
    if (field.selectedIndex < 0) field.selectedIndex = 0;
    if (!field.checkValidity()) field.value = field.defaultValue;
  }
}

"""What a patient may do, a set of rigid moves per severity; each module is one, with a dataclass `Motion`."""

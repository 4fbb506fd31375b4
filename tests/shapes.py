"""Anything that a manifest can say, for Hypothesis to make up."""

from hypothesis import strategies as st

from keyturn.model.address import Address

names = st.text(min_size=1, max_size=8)
addresses = st.builds(
    Address,
    st.sampled_from(["credential", "connection"]),
    st.text(min_size=1, max_size=8),
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
items = st.recursive(
    scalars | addresses,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(names | st.sampled_from(["ref", "literal"]), inner, max_size=3)
    ),
    max_leaves=8,
)
fields = st.dictionaries(st.lists(names, min_size=1, max_size=3).map(tuple), items, max_size=4)
prints = st.dictionaries(st.lists(names, min_size=1, max_size=2).map(tuple), names, max_size=2)

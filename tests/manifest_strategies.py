"""Hypothesis strategies for the content of manifests."""

from hypothesis import strategies as st

from keyturn.model.address import Address

name_strategy = st.text(min_size=1, max_size=8)
address_strategy = st.builds(
    Address,
    st.sampled_from(["credential", "connection"]),
    st.text(min_size=1, max_size=8),
)
scalar_strategy = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
item_strategy = st.recursive(
    scalar_strategy | address_strategy,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(name_strategy | st.sampled_from(["ref", "literal"]), inner, max_size=3)
    ),
    max_leaves=8,
)
fields_strategy = st.dictionaries(
    st.lists(name_strategy, min_size=1, max_size=3).map(tuple), item_strategy, max_size=4
)
fingerprints_strategy = st.dictionaries(
    st.lists(name_strategy, min_size=1, max_size=2).map(tuple), name_strategy, max_size=2
)

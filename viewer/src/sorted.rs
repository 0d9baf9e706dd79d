//! Sorting of what answers are made of. Owns that it takes little room: the standard library's sort is compiled anew for
//! each kind of element and key, some ten kilobytes each, so elements are put in order by their places in a list.

use std::cmp::Ordering;

/// Compared one after the other. What is to come last first, is `!number`.
pub(crate) type Key = (u64, u64);

/// Puts items in the order of their keys; those with equal keys stay as they are.
pub(crate) fn sort_by_key<T>(items: &mut Vec<T>, key: impl Fn(&T) -> Key) {
    let mut keys: Vec<(Key, usize)> = items.iter().map(key).zip(0..).collect();
    keys.sort_unstable();
    arrange(items, keys.iter().map(|(_, place)| *place));
}

/// Puts items in the order that `compare` says; those that are equal stay as they are.
pub(crate) fn sort_by<T>(items: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let order = places(items.len(), &|one, other| {
        let (Some(one), Some(other)) = (items.get(one), items.get(other)) else {
            return Ordering::Equal;
        };
        compare(one, other)
    });
    arrange(items, order.into_iter());
}

fn places(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_unstable_by(|one, other| compare(*one, *other).then_with(|| one.cmp(other)));
    places
}

fn arrange<T>(items: &mut Vec<T>, places: impl Iterator<Item = usize>) {
    let mut before: Vec<Option<T>> = items.drain(..).map(Some).collect();
    items.extend(places.filter_map(|place| before.get_mut(place)?.take()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_put_in_order_and_equal_ones_stay_as_they_are() {
        let random = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60;
        let items: Vec<(u64, String)> =
            (0..1_000).map(|number| (random(number), number.to_string())).collect();
        let mut expected = items.clone();
        expected.sort_by_key(|(key, _)| *key);
        let mut by_key = items.clone();
        sort_by_key(&mut by_key, |(key, _)| (*key, 0));
        assert_eq!(by_key, expected);
        let mut compared = items.clone();
        sort_by(&mut compared, |one, other| one.0.cmp(&other.0));
        assert_eq!(compared, expected);
        expected.sort_by_key(|(key, text)| (std::cmp::Reverse(*key), text.len()));
        let mut by_key = items;
        sort_by_key(&mut by_key, |(key, text)| (!key, text.len() as u64));
        assert_eq!(by_key, expected);
    }
}

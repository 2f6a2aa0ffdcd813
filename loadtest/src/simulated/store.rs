//! Things that come and go, found by a key that is never used twice.

/// Where a thing is. Of another thing at the same place later on, the key is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    place: u32,
    /// How many were at the place before.
    before: u32,
}

impl Key {
    /// Its place: a small number, used again when the thing is gone.
    pub(crate) fn place(self) -> usize {
        self.place as usize
    }

    /// As one number.
    pub(crate) fn number(self) -> u64 {
        u64::from(self.before) << 32 | u64::from(self.place)
    }

    /// The key that is this number.
    pub(crate) fn of(number: u64) -> Self {
        Self { place: number as u32, before: (number >> 32) as u32 }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Store<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place<T> {
    before: u32,
    thing: Option<T>,
}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}

impl<T> Store<T> {
    pub(crate) fn insert(&mut self, thing: T) -> Key {
        if let Some(place) = self.free.pop()
            && let Some(found) = self.places.get_mut(place as usize)
        {
            found.thing = Some(thing);
            return Key { place, before: found.before };
        }
        self.places.push(Place { before: 0, thing: Some(thing) });
        Key { place: self.places.len() as u32 - 1, before: 0 }
    }

    /// The key of what is at a place.
    pub(crate) fn at(&self, place: usize) -> Option<Key> {
        let found = self.places.get(place).filter(|found| found.thing.is_some())?;
        Some(Key { place: place as u32, before: found.before })
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        self.places.get(key.place()).filter(|place| place.before == key.before)?.thing.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.places.get_mut(key.place()).filter(|place| place.before == key.before)?.thing.as_mut()
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let place = self.places.get_mut(key.place()).filter(|place| place.before == key.before)?;
        let thing = place.thing.take()?;
        place.before = place.before.wrapping_add(1);
        self.free.push(key.place);
        Some(thing)
    }
}

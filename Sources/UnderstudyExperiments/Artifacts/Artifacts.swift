import Synchronization
import UnderstudyNetworks
import UnderstudyNumerics

/// The networks and data sets that several runs need: each is made once, by the first run that asks for it, and named by the
/// hash of its ``Recipe``.
///
/// What was used last is kept, as far as it fits; what runs hold lives as long as they hold it. A class because all runs of a
/// study share it.
final class Artifacts: Sendable {
  /// A value that is there, or is being made: who comes second waits.
  private final class Entry: Sendable {
    let value = Mutex<(any Sendable)?>(nil)
  }

  private struct Shelf {
    /// The one used last is the last.
    var entries: [(name: String, entry: Entry, byteCount: Int)] = []
  }

  private let byteLimit: Int
  private let shelf = Mutex(Shelf())

  init(byteLimit: Int = 256 << 20) { self.byteLimit = byteLimit }

  /// - Throws: what making it throws; nothing is kept then.
  func network<Failure: Error>(_ recipe: Recipe, make: () throws(Failure) -> Network) throws(Failure) -> Network {
    try value(recipe, byteCount: { $0.weightCount * 8 }, make: make)
  }

  /// - Throws: what making it throws; nothing is kept then.
  func inputs<Failure: Error>(_ recipe: Recipe, make: () throws(Failure) -> Matrix) throws(Failure) -> Matrix {
    try value(recipe, byteCount: { $0.values.count * 8 }, make: make)
  }

  /// - Throws: what making it throws; nothing is kept then.
  func dataset<Failure: Error>(_ recipe: Recipe, make: () throws(Failure) -> Dataset) throws(Failure) -> Dataset {
    // As it is, and packed for steps and for losses.
    try value(recipe, byteCount: { ($0.inputs.values.count + $0.targets.values.count) * 24 }, make: make)
  }

  /// - Throws: what reading it throws; nothing is kept then.
  func images<Failure: Error>(_ recipe: Recipe, make: () throws(Failure) -> ImageData) throws(Failure) -> ImageData {
    try value(recipe, byteCount: \.byteCount, make: make)
  }

  /// - Throws: what making it throws; nothing is kept then.
  func trained<Failure: Error>(
    _ recipe: Recipe, make: () throws(Failure) -> TrainedNetwork
  ) throws(Failure) -> TrainedNetwork {
    try value(recipe, byteCount: { $0.network.weightCount * 8 }, make: make)
  }

  private func value<Value: Sendable, Failure: Error>(
    _ recipe: Recipe, byteCount: (Value) -> Int, make: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let name = recipe.hash
    let entry = shelf.withLock { shelf in
      guard let place = shelf.entries.firstIndex(where: { $0.name == name }) else {
        let entry = Entry()
        shelf.entries.append((name, entry, 0))
        return entry
      }
      let found = shelf.entries.remove(at: place)
      shelf.entries.append(found)
      return found.entry
    }
    let (value, isNew) = try entry.value.withLock { (stored) throws(Failure) -> (Value, Bool) in
      if let value = stored as? Value { return (value, false) }
      let value = try make()
      stored = value
      return (value, true)
    }
    if isNew { keep(name, byteCount(value)) }
    return value
  }

  /// Takes note of a value's size, and drops those that were not used for longest until the others fit.
  private func keep(_ name: String, _ byteCount: Int) {
    shelf.withLock { shelf in
      guard let place = shelf.entries.firstIndex(where: { $0.name == name }) else { return }
      shelf.entries[place].byteCount = byteCount
      var total = shelf.entries.reduce(0) { $0 + $1.byteCount }
      while total > byteLimit, let oldest = shelf.entries.first {
        total -= oldest.byteCount
        shelf.entries.removeFirst()
      }
    }
  }
}

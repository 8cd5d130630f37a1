/// What is wrong with weights that are stored as `[inputs, nodes]`, as Keras, JAX and MATLAB have them, instead of
/// `[nodes, inputs]`, in words; nil if they fit each other as they are, or fit neither way.
///
/// The vectors of a layer (biases, statistics) say how many nodes it has, and neighbours must fit; among the ways to turn
/// some of the weights so that all fits, the one that turns fewest is taken. The shape of a square matrix tells nothing: if
/// others are transposed, it most likely is too, which the message says.
///
/// - Complexity: O(layers).
func transposition(in file: SafetensorsFile, layerCount: Int) -> String? {
  let vectors: [Part] = [.bias, .mean, .variance, .scale, .shift]
  var shapes: [(name: String, shape: [Int], nodeCounts: [Int])] = []
  for layer in 0..<layerCount {
    let name = tensorName(layer, .weight)
    guard let shape = file.tensors[name]?.shape, shape.count == 2, !shape.contains(0) else { return nil }
    let lengths = vectors.compactMap { file.tensors[tensorName(layer, $0)]?.shape }.filter { $0.count == 1 }
    shapes.append((name, shape, lengths.map { $0[0] }))
  }
  // The fewest layers to turn, up to the layer before, if that one is left as it is or turned.
  var ways: [(turned: [Int], nodes: Int)] = [(turned: [], nodes: 0)]
  for (layer, (_, shape, nodeCounts)) in shapes.enumerated() {
    var next: [(turned: [Int], nodes: Int)] = []
    for isTurned in shape[0] == shape[1] ? [false] : [false, true] {
      let (nodes, inputs) = isTurned ? (shape[1], shape[0]) : (shape[0], shape[1])
      guard nodeCounts.allSatisfy({ $0 == nodes }) else { continue }
      let below = ways.filter { layer == 0 || $0.nodes == inputs }.min { $0.turned.count < $1.turned.count }
      if let below { next.append((below.turned + (isTurned ? [layer] : []), nodes)) }
    }
    ways = next
  }
  guard let best = ways.min(by: { $0.turned.count < $1.turned.count }), let first = best.turned.first else {
    return nil
  }
  let names = best.turned.map { shapes[$0].name }
  let squares = shapes.filter { $0.shape[0] == $0.shape[1] }.map(\.name)
  let doubt =
    squares.isEmpty
    ? ""
    : "; of \(squares.joined(separator: " and ")), which is square, the shape does not tell: transpose it too if it comes "
      + "from the same program"
  return "tensor \"\(names[0])\" has shape \(shapes[first].shape), which looks like [inputs, nodes]; weights are "
    + "[nodes, inputs]: transpose \(names.joined(separator: " and ")), in NumPy numpy.ascontiguousarray(w.T)\(doubt)"
}

/// How to name tensors that a PyTorch module calls otherwise, in words; nil unless their names say it: they are numbered
/// (`0.weight`, `2.weight`; `fc1.weight`, `fc2.weight`), or those of a network behind a prefix (`module.layers.0.weight`).
func renaming(of names: [String]) -> String? {
  if let first = names.first, let end = first.firstRange(of: "layers.")?.lowerBound, end > first.startIndex {
    let prefix = first[..<end]
    let isShared = names.allSatisfy {
      $0.hasPrefix(prefix) && partOfLayer(named: String($0.dropFirst(prefix.count))) != nil
    }
    if isShared { return "take the prefix \"\(prefix)\" off the names of all tensors" }
  }
  guard names.allSatisfy({ $0.utf8.count < 200 }) else { return nil }
  let pattern = /(.*?)([0-9]+)\.(weight|bias)/
  let matches = names.compactMap { $0.wholeMatch(of: pattern) }
  guard matches.count == names.count, Set(matches.map(\.1)).count == 1 else { return nil }
  let numbers = Set(matches.compactMap { Int($0.2) }).sorted()
  let renamed = matches.compactMap { match -> String? in
    guard match.3 == "weight", let number = Int(match.2), let layer = numbers.firstIndex(of: number) else { return nil }
    return "\(match.0) to \(tensorName(layer, .weight))"
  }
  return "rename \(renamed.joined(separator: ", ")), and biases likewise"
}

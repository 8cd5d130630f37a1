import UnderstudyNumerics
import UnderstudySchema

/// What a file calls the tensors of a network, layer by layer.
public struct TensorNames: Sendable, Equatable {
  var layers: [[Part: String]]
  /// Which layers are convolutions.
  var areConvolutions: [Bool]

  /// Those of PyTorch's `state_dict` for an `nn.Sequential`: every module is numbered, those without tensors too.
  ///
  /// - Complexity: O(layers).
  public static func sequential(of network: Network) -> TensorNames {
    var layers = [[Part: String]](repeating: [:], count: network.layers.count)
    for (number, module) in network.modules.enumerated() {
      switch module {
      case .linear(let layer):
        for part in [Part.weight, .bias] { layers[layer][part] = "\(number).\(part.rawValue)" }
      case .normalization(let layer):
        for part in Part.ofNormalization { layers[layer][part] = "\(number).\(part.nameInModule)" }
      case .activation, .pooling, .flatten: break
      }
    }
    for (index, layer) in network.layers.enumerated() {
      if layer.biases == nil { layers[index][.bias] = nil }
      if layer.normalization?.scales == nil { (layers[index][.scale], layers[index][.shift]) = (nil, nil) }
    }
    return TensorNames(layers: layers, areConvolutions: network.layers.map { $0.kind != .dense })
  }

  /// Each name, and that of the same tensor in Understudy's own files.
  public var pairs: [(theirs: String, own: String)] {
    layers.enumerated().flatMap { index, names in
      Part.allOfNetwork.compactMap { part in names[part].map { (theirs: $0, own: tensorName(index, part)) } }
    }
  }
}

extension Part {
  static let ofNormalization: [Part] = [.scale, .shift, .mean, .variance]
  static let allOfNetwork: [Part] = [.weight, .bias] + ofNormalization

  /// What PyTorch calls the tensor in its own module.
  var nameInModule: String { rawValue.split(separator: ".").last.map(String.init) ?? rawValue }
}

extension TensorNames {
  /// The names in a state dict whose modules are called as one likes: by shapes, and by the order of names, in which numbers
  /// count as numbers.
  ///
  /// Convolutions come first, then fully connected layers, each with as many inputs as the one below has nodes. A
  /// normalisation belongs to the module before it, if modules are numbered as in an `nn.Sequential`; otherwise, if
  /// there is one for each hidden layer, they belong to them in order; otherwise to the layer that ends in the same number.
  ///
  /// - Parameters:
  ///   - name: what errors call the file.
  ///   - channels: of the images, if they are known.
  /// - Throws: ``FileError`` if a tensor is no part of such layers, or they do not follow one another.
  init(
    of file: SafetensorsFile, name: String, channels: Int? = nil
  ) throws(FileError) {
    func error(_ message: String) -> FileError { FileError(path: name, message: message) }
    let modules = try stateDictModules(of: file, name: name)
    let linear = modules.filter { !$0.isNormalization }
    guard linear.count <= LayerWidths.greatestDepth + 1 else {
      throw error(
        "has \(linear.count) layers with weights; networks have at most \(LayerWidths.greatestDepth) hidden layers")
    }
    if let problem = layoutProblem(of: linear, in: file) { throw error(problem) }
    guard let chain = chained(linear, channels: channels) else {
      throw error(
        "its layers do not follow one another: "
          + linear.map { "\($0.prefix) \($0.weightShape)" }.joined(separator: ", ")
          + "; give the tensors of a plain sequence of layers, each with as many inputs as the one below has nodes"
          + (channels.map { ", the lowest with \($0)" } ?? ""))
    }
    areConvolutions = chain.map(\.isConvolution)
    layers = chain.map { module in
      [.weight: module.name("weight"), .bias: module.name("bias")].compactMapValues { $0 }
    }
    let normalizations = modules.filter(\.isNormalization)
    for (normalization, layer) in zip(
      normalizations, try places(of: normalizations, among: chain, name: name))
    {
      for part in Part.ofNormalization { layers[layer][part] = normalization.name(part.nameInModule) }
    }
  }
}

/// The tensors of one module of a state dict.
private struct StateDictModule {
  /// `features.0`; empty for tensors without a module.
  let prefix: String
  /// By the ends of their names.
  var shapes: [String: [Int]]

  var isNormalization: Bool { shapes["running_mean"] != nil || shapes["running_var"] != nil }
  var weightShape: [Int] { shapes["weight"] ?? [] }
  var isConvolution: Bool { weightShape.count == 4 }
  /// Of a normalisation as well.
  var nodeCount: Int { (isNormalization ? shapes["running_mean"] ?? shapes["running_var"] : weightShape)?.first ?? 0 }

  /// The whole name of a part; nil if it is not there.
  func name(_ part: String) -> String? { shapes[part].map { _ in prefix.isEmpty ? part : "\(prefix).\(part)" } }

  /// Number and container of a module of an `nn.Sequential`: 3 and `features` of `features.3`.
  var place: (container: Substring, number: Int)? {
    let start = prefix.lastIndex(of: ".").map { prefix.index(after: $0) } ?? prefix.startIndex
    return Int(prefix[start...]).map { (prefix[..<start], $0) }
  }

  /// `2` of `bn2`.
  var trailingNumber: Int? { Int(String(prefix.reversed().prefix { $0.isASCII && $0.isNumber }.reversed())) }

  /// Whether a layer can stand above another one; a fully connected layer takes each channel of a map at all its positions.
  func fits(above below: StateDictModule) -> Bool {
    guard weightShape[1] != below.nodeCount else { return isConvolution == below.isConvolution || !isConvolution }
    return !isConvolution && below.isConvolution && below.nodeCount > 0 && weightShape[1] % below.nodeCount == 0
  }
}

/// The modules of a state dict, in the order of their names.
///
/// - Throws: ``FileError`` for tensors that are no part of a convolution, a fully connected layer or a batch normalisation.
private func stateDictModules(of file: SafetensorsFile, name: String) throws(FileError) -> [StateDictModule] {
  func error(_ message: String) -> FileError { FileError(path: name, message: message) }
  var modules: [String: StateDictModule] = [:]
  for (tensor, content) in file.tensors {
    let words = tensor.split(separator: ".", omittingEmptySubsequences: false)
    let (prefix, part) = (words.dropLast().joined(separator: "."), String(words[words.count - 1]))
    guard part != "num_batches_tracked" else { continue }
    modules[prefix, default: StateDictModule(prefix: prefix, shapes: [:])].shapes[part] = content.shape
  }
  let sorted = modules.values.sorted { isNaturallyOrdered($0.prefix, $1.prefix) }
  for module in sorted {
    let parts = Set(["weight", "bias"]).union(module.isNormalization ? ["running_mean", "running_var"] : [])
    let wrong = module.shapes.keys.sorted().first { part in
      !parts.contains(part)
        || (part == "weight" && !module.isNormalization && ![2, 4].contains(module.weightShape.count))
    }
    if let wrong {
      throw error(
        "tensor \"\(module.name(wrong) ?? wrong)\" of shape \(module.shapes[wrong] ?? []) is no part of a Conv2d, Linear "
          + "or BatchNorm layer, of which networks are read; if it is one under another name, call it \(module.prefix).weight or "
          + ".bias, else give a file without it")
    }
    guard module.isNormalization || module.shapes["weight"] != nil else {
      throw error(
        "has \"\(module.prefix).bias\" and no \"\(module.prefix).weight\"; give a file that has both, or none")
    }
  }
  return sorted
}

/// What is wrong with weights in the layouts of Keras and JAX, `[inputs, nodes]` and `[rows, columns, channels below, channels]`, in
/// words; nil if biases and neighbours do not say that they are. Without it, layers are tried in other orders, and a transposed
/// network of two layers is one from its outputs to its inputs.
private func layoutProblem(of modules: [StateDictModule], in file: SafetensorsFile) -> String? {
  func contradicts(_ module: StateDictModule) -> Bool {
    module.shapes["bias"].map { $0 != [module.nodeCount] } ?? false
  }
  if let module = modules.first(where: {
    $0.isConvolution && contradicts($0) && $0.shapes["bias"] == $0.weightShape.suffix(1)
  }) {
    return "tensor \"\(module.name("weight") ?? "")\" has shape \(module.weightShape), which looks like "
      + "[rows, columns, channels below, channels]; weights of convolutions are [channels, channels below, rows, columns], and those of fully connected "
      + "layers [nodes, inputs]: in NumPy numpy.ascontiguousarray(w.transpose(3, 2, 0, 1)) and numpy.ascontiguousarray(w.T)"
  }
  guard modules.allSatisfy({ $0.weightShape.count == 2 }) else { return nil }
  // Numbers say an order; other names may not.
  let stems = modules.map { $0.prefix.prefix($0.prefix.count - ($0.trailingNumber.map { "\($0)".count } ?? 0)) }
  let isNumbered = modules.allSatisfy { $0.trailingNumber != nil } && Set(stems).count == 1
  let isChain = zip(modules, modules.dropFirst()).allSatisfy { $1.fits(above: $0) }
  guard modules.contains(where: contradicts) || isNumbered && !isChain else { return nil }
  var (own, theirs) = (SafetensorsFile(tensors: [:]), [String: String]())
  for (layer, module) in modules.enumerated() {
    for part in [Part.weight, .bias] {
      guard let tensor = module.name(part.rawValue) else { continue }
      own.tensors[tensorName(layer, part)] = file.tensors[tensor]
      theirs[tensorName(layer, part)] = tensor
    }
  }
  return transposition(in: own, layerCount: modules.count)?.replacing(/layers\.[0-9]+\.weight/) {
    theirs[String($0.output)] ?? String($0.output)
  }
}

/// Whether a text comes before another one, where digits in a row count as one number.
private func isNaturallyOrdered(_ a: String, _ b: String) -> Bool {
  func words(_ text: String) -> [(number: Int, text: String)] {
    text.matches(of: /[0-9]+|[^0-9]+/).map { match in
      let word = String(match.output)
      return (Int(word) ?? -1, word)
    }
  }
  for (left, right) in zip(words(a), words(b)) where left != right {
    return left.number >= 0 && right.number >= 0 && left.number != right.number
      ? left.number < right.number : left.text < right.text
  }
  return a.utf8.count != b.utf8.count ? a.utf8.count < b.utf8.count : a < b
}

/// The layers in an order in which they fit each other: the first one by their names; nil if there is none.
private func chained(_ modules: [StateDictModule], channels: Int?) -> [StateDictModule]? {
  let candidates = modules.filter(\.isConvolution) + modules.filter { !$0.isConvolution }
  var trials = 100_000
  func continuation(of chain: [StateDictModule], _ rest: [StateDictModule]) -> [StateDictModule]? {
    guard !rest.isEmpty, trials > 0 else { return rest.isEmpty ? chain : nil }
    for (index, next) in rest.enumerated() where next.isConvolution == rest[0].isConvolution {
      trials -= 1
      if let last = chain.last, !next.fits(above: last) { continue }
      if chain.isEmpty, next.isConvolution, let channels, next.weightShape[1] != channels { continue }
      var others = rest
      others.remove(at: index)
      if let found = continuation(of: chain + [next], others) { return found }
    }
    return nil
  }
  return continuation(of: [], candidates)
}

/// The layer that each normalisation belongs to.
///
/// - Throws: ``FileError`` if that cannot be seen, or one has another length than its layer.
private func places(
  of normalizations: [StateDictModule], among chain: [StateDictModule], name: String
) throws(FileError) -> [Int] {
  func error(_ message: String) -> FileError { FileError(path: name, message: message) }
  let hidden = chain.dropLast()
  var places: [Int] = []
  for (order, normalization) in normalizations.enumerated() {
    let before = hidden.indices.filter { index in
      guard let own = normalization.place, let other = chain[index].place else { return false }
      return own.container == other.container && other.number < own.number
    }
    let sameNumber = hidden.indices.filter { chain[$0].trailingNumber == normalization.trailingNumber }
    let place =
      before.max { chain[$0].place?.number ?? 0 < chain[$1].place?.number ?? 0 }
      ?? (normalizations.count == hidden.count ? order : sameNumber.count == 1 ? sameNumber[0] : nil)
    guard let place else {
      throw error(
        "which layer \"\(normalization.prefix)\" normalises cannot be seen; number it as its layer, such as bn2 of conv2"
      )
    }
    guard normalization.nodeCount == chain[place].nodeCount, !places.contains(place) else {
      throw error(
        "\"\(normalization.prefix)\" has \(normalization.nodeCount) channels and seems to normalise "
          + "\"\(chain[place].prefix)\", which has \(chain[place].nodeCount)\(places.contains(place) ? " and is normalised already" : ""); "
          + "give each hidden layer one normalisation at most, numbered as its layer")
    }
    places.append(place)
  }
  return places
}

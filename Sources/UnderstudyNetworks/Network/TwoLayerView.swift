import UnderstudyNumerics

/// A network of one hidden layer, seen by its hidden nodes: for what holds for two layers only.
///
/// Node k adds `v_k phi(w_k . x + b_k)` to the outputs.
public struct TwoLayerView: Sendable, Equatable {
  public private(set) var network: Network

  /// A view of a network, if it has one hidden layer.
  ///
  /// - Throws: ``ShapeError`` if there is more than one hidden layer, or it is a convolution.
  public init(_ network: Network) throws(ShapeError) {
    try network.checkIsDense()
    guard network.isTwoLayer else {
      throw ShapeError(
        "this is defined for networks of two layers (one hidden layer), and the network has \(network.layers.count); "
          + "give one of two")
    }
    self.network = network
  }

  /// A network by its hidden nodes.
  ///
  /// - Parameter rows: (w_k, b_k), `[node][feature + 1]`; biases are left out if there are none.
  /// - Shape: `fanOuts` is `[node][output]`.
  /// - Throws: ``ShapeError`` if these make no network.
  public init(
    rows: [[Double]], hasHiddenBiases: Bool, fanOuts: [[Double]], outputBiases: [Double]?, activation: Activation
  ) throws(ShapeError) {
    network = try Network(
      layers: [
        NetworkLayer(
          weights: Matrix(rows.map { Array($0.dropLast()) }),
          biases: hasHiddenBiases ? rows.map { $0[$0.count - 1] } : nil),
        NetworkLayer(weights: Matrix(fanOuts).transposed, biases: outputBiases),
      ], activation: activation)
  }

  /// n
  public var nodeCount: Int { hidden.nodeCount }
  public var inputCount: Int { network.inputCount }
  public var outputCount: Int { network.outputCount }
  @inlinable public var activation: Activation { network.activation }
  /// Of the nodes, whatever their fan-out.
  public var hidden: NetworkLayer {
    get { network.layers[0] }
    _modify { yield &network[layer: 0] }
  }
  /// The fan-outs, a column for each node, and the output biases.
  public var output: NetworkLayer {
    get { network.layers[1] }
    _modify { yield &network[layer: 1] }
  }

  /// (w_k, b_k), `[feature + 1]`; a bias of 0 where there are none.
  public func row(_ node: Int) -> [Double] { hidden.row(node) }

  /// Replaces (w_k, b_k); where there are no biases, w_k.
  public mutating func setRow(_ node: Int, to row: [Double]) { hidden.setRow(node, to: row) }

  /// v_k, `[output]`
  public func fanOut(_ node: Int) -> [Double] { output.weights.column(node) }

  /// Replaces v_k.
  public mutating func setFanOut(_ node: Int, to fanOut: [Double]) {
    precondition(fanOut.count == outputCount, "a fan-out has a weight for each output")
    func write(to layer: inout NetworkLayer) {
      for (c, weight) in fanOut.enumerated() { layer.weights[c, node] = weight }
    }
    write(to: &output)
  }

  /// Takes the fan-out of some nodes away.
  public mutating func clearFanOut(of nodes: some Sequence<Int>) {
    for node in nodes { setFanOut(node, to: [Double](repeating: 0, count: outputCount)) }
  }

  /// Makes a node's weights and bias 0.
  public mutating func clearRow(_ node: Int) { setRow(node, to: [Double](repeating: 0, count: inputCount + 1)) }

  /// See ``Network/outputs(for:)``.
  ///
  /// - Shape: `inputs` is `[sample, feature]`, the result `[sample, output]`.
  /// - Throws: ``ShapeError`` if the width of `inputs` is not the network's.
  public func outputs(for inputs: Matrix) throws(ShapeError) -> Matrix { try network.outputs(for: inputs) }

  /// Activations of the hidden layer for a block.
  ///
  /// - Shape: `[node, sample]`.
  public func activations(of block: SampleBlock) -> Matrix { network.activations(of: block.inputs, layers: 0..<1)[0] }

  /// Nodes without fan-out, whose weights no output depends on.
  public var idleNodes: [Int] {
    (0..<nodeCount).filter { node in (0..<outputCount).allSatisfy { output.weights[$0, node] == 0 } }
  }
}

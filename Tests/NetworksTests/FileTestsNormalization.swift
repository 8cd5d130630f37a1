import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@Suite struct NormalizedNetworkFileTests {
  private let key = "understudy.normalization"

  private func decode(_ data: Data) throws -> Network {
    try NetworkFile.decode(data, name: "given.file", activation: .relu)
  }

  @Test(arguments: BatchNormalization.Placement.allCases, [true, false])
  func normalizedNetworksSurviveTheRoundTrip(
    placement: BatchNormalization.Placement, learnt: Bool
  ) throws {
    for (biases, normalizedLayers) in [(true, [0, 1]), (false, [0, 1]), (true, [1]), (false, [1])] {
      let network = try normalizedNetwork(
        widths: [3, 4, 2, 2], placement: placement, learnt: learnt, biases: biases, slope: 0,
        normalizedLayers: normalizedLayers, key: 1)
      let data = NetworkFile.encode(network, metadata: ["a": "b", key: "stale"])
      #expect(try decode(data) == network)
      let file = try SafetensorsFile.decode(data, name: "given.file")
      #expect(file.metadata == ["a": "b", key: placement.rawValue, "understudy.negativeSlope": "0.0"])
      #expect(file.tensors["layers.1.norm.running_var"]?.values == network.layers[1].normalization?.variances)
      #expect(file.tensors["layers.1.norm.bias"]?.values == network.layers[1].normalization?.shifts)
      #expect(file.tensors.count == (biases ? 6 : 3) + normalizedLayers.count * (learnt ? 4 : 2))
    }
  }

  /// PyTorch's `state_dict` of a `BatchNorm1d` has one more, an integer without dimensions.
  @Test func theCountOfBatchesIsIgnored() throws {
    let network = try normalizedNetwork(
      widths: [1, 1, 1], placement: .beforeActivation, learnt: false, biases: false, slope: 0, key: 1)
    let names = ["layers.0.norm.running_mean", "layers.0.norm.running_var", "layers.0.weight", "layers.1.weight"]
    let tensors = try SafetensorsFile.decode(NetworkFile.encode(network), name: "given.file").tensors
    var header = "{\"__metadata__\":{\"\(key)\":\"beforeActivation\"}"
    for (i, name) in names.enumerated() {
      let shape = name.hasSuffix("weight") ? "[1,1]" : "[1]"
      header += ",\"\(name)\":{\"dtype\":\"F64\",\"shape\":\(shape),\"data_offsets\":[\(8 * i),\(8 * i + 8)]}"
    }
    header += ",\"layers.0.norm.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[32,40]}}"
    let numbers = try names.map { try #require(tensors[$0]?.values.first) }
    #expect(
      try decode(safetensors(header: header, data: littleEndian(numbers) + littleEndian([1200 as Int64]))) == network)
  }

  @Test func plainFilesSayNothingOfNormalization() throws {
    let network = try smallNetwork(biases: true)
    #expect(NetworkFile.encode(network, metadata: [key: "stale"]) == NetworkFile.encode(network))
  }

  @Test func damagedNormalizationsAreRefused() throws {
    let network = try normalizedNetwork(
      widths: [3, 2, 1], placement: .beforeActivation, learnt: true, biases: true, slope: 0, key: 1)
    let good = try SafetensorsFile.decode(NetworkFile.encode(network), name: "given.file")
    func check(
      _ parts: String, _ remedy: String, sourceLocation: SourceLocation = #_sourceLocation,
      change: (inout SafetensorsFile) -> Void
    ) {
      var file = good
      change(&file)
      expectFileError(parts, remedy, sourceLocation: sourceLocation) { try decode(file.encoded(precision: .float64)) }
    }
    let ones = SafetensorsFile.Tensor(shape: [2], values: [1, 1])
    let one = SafetensorsFile.Tensor(shape: [1], values: [1])
    check("do not say where", "set \(key) to beforeActivation or afterActivation") { $0.metadata = [:] }
    check("is \"before\"", "must be beforeActivation or afterActivation") { $0.metadata[key] = "before" }
    for name in ["running_mean", "running_var", "weight", "bias"] {
      check("but no layers.0.norm.\(name)", "a normalisation has both") { $0.tensors["layers.0.norm.\(name)"] = nil }
      check("layers.0.norm.\(name)\" has shape [1]", "must be [2]") { $0.tensors["layers.0.norm.\(name)"] = one }
      check("layers.0.norm.\(name)\" has shape [2, 1]", "must be [2]") {
        $0.tensors["layers.0.norm.\(name)"] = .init(shape: [2, 1], values: [1, 1])
      }
    }
    check("layers.0.norm.weight but no", "needs its running statistics") {
      $0.tensors["layers.0.norm.running_mean"] = nil
      $0.tensors["layers.0.norm.running_var"] = nil
    }
    check("holds -0.5 at element 1", "not negative") {
      $0.tensors["layers.0.norm.running_var"] = .init(shape: [2], values: [0, -0.5])
    }
    check("is the output layer", "remove its normalisation") {
      $0.tensors["layers.1.norm.running_mean"] = one
      $0.tensors["layers.1.norm.running_var"] = one
    }
    check("a normalisation of a layer without weights", "remove layers.7.norm.running_mean") {
      $0.tensors["layers.7.norm.running_mean"] = ones
    }
    check("layers.1.norm.num_batch_count", "is no part of a network") {
      $0.tensors["layers.1.norm.num_batch_count"] = one
    }
    check("layers.0.norm", "is no part of a network") { $0.tensors["layers.0.norm"] = one }
  }
}

import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@Suite struct NetworkFileTests {
  private func decode(_ data: Data) throws -> Network {
    try NetworkFile.decode(data, name: "given.file", activation: .relu)
  }

  @Test(arguments: [true, false], NetworkFile.Precision.allCases)
  func networksSurviveTheRoundTrip(biases: Bool, precision: NetworkFile.Precision) throws {
    let network = try smallNetwork(biases: biases)
    let data = NetworkFile.encode(network, precision: precision, metadata: ["seed": "1", "a \"b\"\n": "\\\u{1}"])
    #expect(try decode(data) == network)
    let tensors = try SafetensorsFile.decode(data, name: "given.file")
    #expect(tensors.metadata == ["seed": "1", "a \"b\"\n": "\\\u{1}", "understudy.negativeSlope": "0.0"])
    #expect(tensors.tensors["layers.0.weight"]?.shape == [2, 3])
    #expect(tensors.tensors.count == (biases ? 4 : 2))
    #expect(tensors.encoded(precision: precision) == data)
  }

  @Test func anyDoubleSurvives() throws {
    let values: [Double] = [0.1, -0.0, .leastNonzeroMagnitude, 1.7976931348623157e308, 1 / 3]
    let file = SafetensorsFile(tensors: ["a": .init(shape: [5], values: values)])
    let back = try SafetensorsFile.decode(file.encoded(precision: .float64), name: "given.file")
    #expect(back.tensors["a"]?.values.map(\.bitPattern) == values.map(\.bitPattern))
  }

  @Test func bytesAreThoseOfTheFormat() throws {
    let data = NetworkFile.encode(try smallNetwork(biases: false), metadata: ["seed": "1"])
    let header =
      #"{"__metadata__":{"seed":"1","understudy.negativeSlope":"0.0"},"layers.0.weight":{"dtype":"F64","shape":[2,3],"data_offsets":[0,48]},"#
      + #""layers.1.weight":{"dtype":"F64","shape":[1,2],"data_offsets":[48,64]}}"#
    let padding = String(repeating: " ", count: (8 - header.count % 8) % 8)
    #expect(data == safetensors(header: header + padding, data: littleEndian([1, -0.5, 0.25, 2, 0, -3, 1.5, -2])))
  }

  /// 1, -2 and the largest and smallest numbers of each narrow format.
  @Test func narrowFormatsAreExact() throws {
    let half: [UInt16] = [0x3C00, 0xC000, 0x7BFF, 0x0001, 0x0400, 0x8000]
    let header = { (type: String, count: Int) in
      "{\"a\":{\"dtype\":\"\(type)\",\"shape\":[\(count)],\"data_offsets\":[0,\(2 * count)]}}"
    }
    let halves = try SafetensorsFile.decode(
      safetensors(header: header("F16", 6), data: littleEndian(half)), name: "given.file")
    #expect(halves.tensors["a"]?.values == [1, -2, 65504, 0x1p-24, 0x1p-14, -0.0])
    let brains = try SafetensorsFile.decode(
      safetensors(header: header("BF16", 3), data: littleEndian([0x3F80, 0xC000, 0x7F7F] as [UInt16])),
      name: "given.file")
    #expect(brains.tensors["a"]?.values == [1, -2, 0x1.FEp127])
    expectFileError("holds inf at element 0") {
      try SafetensorsFile.decode(
        safetensors(header: header("F16", 1), data: littleEndian([0x7C00] as [UInt16])), name: "given.file")
    }
  }

  @Test func readsFilesThroughLinks() throws {
    try withTemporaryFolder { folder in
      let network = try smallNetwork(biases: true)
      let path = folder.appendingPathComponent("a.safetensors")
      let link = folder.appendingPathComponent("b.safetensors")
      try NetworkFile.encode(network).write(to: path)
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: path)
      #expect(try NetworkFile.read(path: link.path, activation: .relu) == network)
      expectFileError("is a directory") { try NetworkFile.read(path: folder.path, activation: .relu) }
      expectFileError("no such file") {
        try NetworkFile.read(path: folder.appendingPathComponent("c").path, activation: .relu)
      }
      expectFileError("not a regular file") { try NetworkFile.read(path: "/dev/zero", activation: .relu) }
    }
  }

  @Test func namesAndShapesOfNetworksAreChecked() {
    expectFileError("\"fc.weight\"", "name the tensors") { try decode(safetensors([("fc.weight", [2, 2])])) }
    expectFileError("layers.01.weight") {
      try decode(safetensors([("layers.0.weight", [2, 2]), ("layers.01.weight", [1, 2])]))
    }
    expectFileError("1 layer;", "output layer") { try decode(safetensors([("layers.0.weight", [2, 2])])) }
    expectFileError("0 layers") { try decode(safetensors([])) }
    expectFileError("no layers.1.weight", "without gaps") {
      try decode(safetensors([("layers.0.weight", [2, 2]), ("layers.2.weight", [1, 2])]))
    }
    expectFileError("no layers.1.bias", "to all layers") {
      try decode(safetensors([("layers.0.weight", [2, 2]), ("layers.0.bias", [2]), ("layers.1.weight", [1, 2])]))
    }
    expectFileError("biases of a layer without weights") {
      try decode(
        safetensors([
          ("layers.0.weight", [2, 2]), ("layers.0.bias", [2]), ("layers.1.weight", [1, 2]), ("layers.1.bias", [1]),
          ("layers.7.bias", [1]),
        ]))
    }
    expectFileError("shape [3]", "2 nodes") {
      try decode(
        safetensors([
          ("layers.0.weight", [2, 2]), ("layers.0.bias", [3]), ("layers.1.weight", [1, 2]), ("layers.1.bias", [1]),
        ]))
    }
    expectFileError("shape [2]", "[nodes, inputs]") {
      try decode(safetensors([("layers.0.weight", [2]), ("layers.1.weight", [1, 2])]))
    }
    expectFileError("layer 2 expects 3 inputs") {
      try decode(safetensors([("layers.0.weight", [2, 2]), ("layers.1.weight", [1, 3])]))
    }
    expectFileError("layer 1 (lowest) is empty") {
      try decode(safetensors([("layers.0.weight", [2, 0]), ("layers.1.weight", [1, 2])]))
    }
  }

  @Test(arguments: [(Double.nan, "nan"), (.infinity, "inf"), (-.infinity, "-inf")])
  func numbersMustBeFinite(value: Double, text: String) throws {
    var network = try smallNetwork(biases: true)
    network[layer: 0].weights[1, 2] = value
    let data = NetworkFile.encode(network)
    expectFileError("layers.0.weight", "holds \(text) at row 1, column 2") { try decode(data) }
  }

  @Test func damagedFilesAreRefused() throws {
    let one = #""dtype":"F64","shape":[1],"data_offsets""#
    let eight = littleEndian([1.0])
    func check(_ header: String, _ data: Data, _ part: String, sourceLocation: SourceLocation = #_sourceLocation) {
      expectFileError(part, sourceLocation: sourceLocation) { try decode(safetensors(header: header, data: data)) }
    }
    check("{\"a\":{\(one):[0,8]}}", eight + eight, "8 bytes after its last tensor")
    check("{\"a\":{\(one):[0,8]},\"b\":{\(one):[0,8]}}", eight, "overlap")
    check("{\"a\":{\(one):[0,8]},\"b\":{\(one):[4,12]}}", eight + eight, "overlap")
    check("{\"a\":{\(one):[8,16]}}", eight + eight, "no tensor holds the bytes from 0 on")
    check("{\"a\":{\(one):[0,16]}}", eight, "truncated")
    check("{\"a\":{\(one):[-8,0]}}", eight, "no range")
    check("{\"a\":{\(one):[8,0]}}", eight, "no range")
    check("{\"a\":{\(one):[0]}}", eight, "not two numbers")
    check("{\"a\":{\(one):[0,16]}}", eight + eight, "needs 8 bytes, but its data_offsets hold 16")
    check("{\"a\":{\(one):[0,4]}}", eight.prefix(4), "does not fit")
    check(#"{"a":{"dtype":"F64","shape":[-1],"data_offsets":[0,8]}}"#, eight, "shape [-1]")
    let huge = "4611686018427387904"
    check("{\"a\":{\"dtype\":\"F64\",\"shape\":[\(huge),4],\"data_offsets\":[0,8]}}", eight, "does not fit")
    check("{\"a\":{\"dtype\":\"F64\",\"shape\":[\(huge)],\"data_offsets\":[0,8]}}", eight, "does not fit")
    check(#"{"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}"#, eight, "type C64, which are not read; store F64")
    check(#"{"a":{"shape":[1],"data_offsets":[0,8]}}"#, eight, "\"a\" has no \"dtype\"")
    check(#"{"a":{"dtype":1,"shape":[1],"data_offsets":[0,8]}}"#, eight, "another type")
    check(#"{"a":1}"#, Data(), "another type")
    check(#"{"__metadata__":{"a":1}}"#, Data(), "another type")
    check("[]", Data(), "no JSON object")
    check("{", Data(), "damaged header")
    check("{}x", Data(), "damaged header")
    check("{\"a\":\"\u{0}\"}", Data(), "no JSON object")
    expectFileError("has 3 bytes") { try decode(Data([1, 2, 3])) }
    expectFileError("claims a header of 18446744073709551615") { try decode(Data(repeating: 255, count: 20)) }
    expectFileError("header should have 99 bytes") { try decode(littleEndian([99]) + Data("{}".utf8)) }
    let good = NetworkFile.encode(try smallNetwork(biases: true))
    expectFileError("truncated") { try decode(good.dropLast()) }
    // A slice whose indices do not begin at 0 is as good as any data.
    #expect(try decode((Data([0, 0, 0]) + good).dropFirst(3)) == smallNetwork(biases: true))
  }
}

extension Setting {
  /// As it is encoded, a group of keys in each other one.
  ///
  /// Folders of earlier versions hold settings without the keys that came later: they have their defaults.
  public init(from decoder: any Decoder) throws {
    self.init()
    for key in StudyKey.all { try key.decode(into: &self, from: decoder) }
  }
}

extension StudyKey {
  /// - Throws: `DecodingError` for a value of another form, and if the key is missing but was always there.
  fileprivate func decode(into setting: inout Setting, from decoder: any Decoder) throws {
    let names = storedPath.split(separator: ".").map { Name(stringValue: String($0)) }
    var group = try decoder.container(keyedBy: Name.self)
    for (index, name) in names.enumerated() {
      guard group.contains(name), try !group.decodeNil(forKey: name) else {
        guard isLater || defaultValue == nil else {
          throw DecodingError.keyNotFound(
            name, DecodingError.Context(codingPath: group.codingPath, debugDescription: "no value of \(path)"))
        }
        return
      }
      if index < names.count - 1 {
        group = try group.nestedContainer(keyedBy: Name.self, forKey: name)
      } else {
        let file = form.isFile ? try group.decode(SourceFile.self, forKey: name) : nil
        write(&setting, try file.map { .text($0.path) } ?? value(of: name, in: group), file)
      }
    }
  }

  private func value(of name: Name, in group: KeyedDecodingContainer<Name>) throws -> KeyValue {
    switch form {
    case .integer: return .integer(try group.decode(Int.self, forKey: name))
    case .number: return .number(try group.decode(Double.self, forKey: name))
    case .boolean: return .boolean(try group.decode(Bool.self, forKey: name))
    case .widths: return .text(try group.decode(LayerWidths.self, forKey: name).description)
    case .schedule: return .text(try group.decode(LearningRateSchedule.self, forKey: name).description)
    case .choice(let names):
      let choice = try group.decode(String.self, forKey: name)
      guard names.contains(choice) else {
        throw DecodingError.dataCorruptedError(
          forKey: name, in: group, debugDescription: "\(path) is \(choice), not one of \(names.joined(separator: ", "))"
        )
      }
      return .text(choice)
    case .layers: return .text(try group.decode(LayerList.self, forKey: name).description)
    case .shares: return .text(try group.decode(LayerShares.self, forKey: name).description)
    case .normalization: return .text(try group.decode(ChannelNormalizationSetting.self, forKey: name).description)
    case .factors: return try group.decode(OverRealization.self, forKey: name).keyValue
    case .file, .images: preconditionFailure("files are decoded with their digests")
    }
  }

  /// A part of a key's path.
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
